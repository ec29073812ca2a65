# The key object is not in the chip.
ENDS_AT=06-start
SAYS='sss:20181001'
before_06_start() { run 'ssscli erase 0x20181001'; }
