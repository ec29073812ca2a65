# The stolen disk: everything is copied, the chip is another one with the same object id but another key.
ENDS_AT=06-start
SAYS='do not match'
before_06_start() {
    end_processes "$PID_chip"
    background other-chip 'sedge-chip serve --state $DEMO/other.state --socket $SEDGE_CHIP_SOCKET --counters $DEMO/chip.counters'
    await 5 "the other chip listens" 'ssscli se05x uid >/dev/null 2>&1'
    run 'ssscli generate rsa 0x20181001 2048'
}
