# The policy allows the connection but not the topics of SE050_Core-gda.
ENDS_AT=06-start
SAYS='SE050_Core-gda'
before_06_start() {
    AWAIT_CONNECT=6
    run 'sed "s|SE050_Core-gda|SE050_Core-xxx|g" $DEMO/work/policy.json >$DEMO/work/narrow.json'
    run 'aws --endpoint-url http://$SEDGE_API iot create-policy --policy-name narrow --policy-document file://$DEMO/work/narrow.json --query policyArn --output text'
    run 'aws --endpoint-url http://$SEDGE_API iot attach-policy --policy-name narrow --target $CERTIFICATE_ARN'
    run 'aws --endpoint-url http://$SEDGE_API iot detach-policy --policy-name SE050_Core-policy --target $CERTIFICATE_ARN'
}
