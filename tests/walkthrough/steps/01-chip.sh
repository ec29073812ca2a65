title "1. A virtual SE050 stands where the board would be"
say "The environment, first: our programs, then Debian's."
env_line "PATH=$TOP/build/bin:/usr/sbin:/usr/bin:/sbin:/bin"
env_line "DEMO=$DEMO HOME=$DEMO/home"
if [ ${#DEMO} -gt 70 ]; then
    SHORT_ROOT=$(mktemp -d /tmp/sedge-demo-XXXXXX)
    say "(build/demo is too long a path for Unix sockets: they go to $SHORT_ROOT instead.)"
    env_line "SEDGE_CHIP_SOCKET=$SHORT_ROOT/chip.sock"
else
    env_line 'SEDGE_CHIP_SOCKET=$DEMO/chip.sock'
fi
env_line 'SEDGE_I2C_SOCKET=$SEDGE_CHIP_SOCKET'
say
background chip 'sedge-chip serve --state $DEMO/chip.state --socket $SEDGE_CHIP_SOCKET --counters $DEMO/chip.counters'
await 5 "the virtual chip listens" '[ -S "$SEDGE_CHIP_SOCKET" ] || ! alive $PID_chip'
say "i2cdetect is Debian's own; the preloaded library is all that makes /dev/i2c-1 appear:"
capture bus 'LD_PRELOAD=$PWD/build/lib/libsedge-i2c.so i2cdetect -y 1'
expect "the chip answers at 0x48" '[[ "$bus" = *"40: -- -- -- -- -- -- -- -- 48 "* ]]'
expect "and nothing else is on the bus" '[ "$(grep -oE " [0-9a-f]{2}( |\$)" <<<"$(tail -n +2 <<<"$bus" | cut -c4-)" | tr -d " \n")" = 48 ]'
