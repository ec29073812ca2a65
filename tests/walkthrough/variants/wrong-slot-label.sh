# config.json names another token.
ENDS_AT=06-start
SAYS='SSS_PKCS12'
before_06_start() { sed -i 's/SSS_PKCS11/SSS_PKCS12/' "$SEDGE_ROOT/config/config.json"; }
