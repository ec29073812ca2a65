title "2. ssscli reaches the chip"
say "On a board the next line is not needed: the default is /dev/i2c-1:0x48."
env_line 'EX_SSS_BOOT_SSS_PORT=vse:$SEDGE_CHIP_SOCKET'
run 'ssscli connect se050 t1oi2c none'
run 'ssscli se05x uid'
run 'ssscli se05x reset'
