# The certificate has no policy.
ENDS_AT=06-start
SAYS='no policy of this certificate'
before_06_start() {
    AWAIT_CONNECT=6
    run 'aws --endpoint-url http://$SEDGE_API iot detach-policy --policy-name SE050_Core-policy --target $CERTIFICATE_ARN'
}
