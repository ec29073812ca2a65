# The certificate file is another device's.
ENDS_AT=06-start
SAYS='do not match'
before_06_start() {
    run 'aws --endpoint-url http://$SEDGE_API iot create-keys-and-certificate --set-as-active --certificate-pem-outfile $SEDGE_ROOT/certs/$HASH.cert.pem >/dev/null'
}
