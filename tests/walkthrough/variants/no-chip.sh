# No chip: it was never plugged in.
ENDS_AT=02-ssscli
SAYS='i2cdetect|sedge-chip serve'
before_02_ssscli() { end_processes "$PID_chip"; }
