# The certificate was switched off.
ENDS_AT=06-start
SAYS='is INACTIVE: activate it'
before_06_start() {
    AWAIT_CONNECT=6
    run 'aws --endpoint-url http://$SEDGE_API iot update-certificate --certificate-id ${CERTIFICATE_ARN##*/} --new-status INACTIVE'
}
