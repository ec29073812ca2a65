title "3. A cloud on this machine, and how devices join it"
start_cloud
say
say "What a core may do: its own topics, shadows and Greengrass data plane, and nothing else:"
write_policy '$DEMO/work/policy.json' SE050_Core
run 'aws --endpoint-url http://$SEDGE_API iot create-policy --policy-name SE050_Core-policy --policy-document file://$DEMO/work/policy.json --query policyArn --output text'
say
say "How a device becomes one: a thing of the name it gives, its certificate activated, that policy:"
run "cat >\$DEMO/work/template.json <<'END'
{\"Parameters\": {\"Name\": {\"Type\": \"String\"}, \"AWS::IoT::Certificate::Id\": {\"Type\": \"String\"}},
 \"Resources\": {
  \"certificate\": {\"Type\": \"AWS::IoT::Certificate\", \"Properties\": {\"CertificateId\": {\"Ref\": \"AWS::IoT::Certificate::Id\"}, \"Status\": \"Active\"}},
  \"thing\": {\"Type\": \"AWS::IoT::Thing\", \"Properties\": {\"ThingName\": {\"Ref\": \"Name\"}}},
  \"policy\": {\"Type\": \"AWS::IoT::Policy\", \"Properties\": {\"PolicyName\": \"SE050_Core-policy\"}}}}
END"
run 'aws --endpoint-url http://$SEDGE_API iot create-provisioning-template --template-name cores --enabled --provisioning-role-arn arn:aws:iam::123456789012:role/provisioning --template-body file://$DEMO/work/template.json --query templateArn --output text'
say
say "A claim: five minutes, nothing but provisioning with this template. It is not the device's key."
run 'aws --endpoint-url http://$SEDGE_API iot create-provisioning-claim --template-name cores >$DEMO/work/claim.json'
pem_member() { sed -n "s/^ *\"$1\": \"\(-----BEGIN.*\)\",\{0,1\}\$/\1/p" "$2" | sed 's/\\n/\n/g'; }
run 'pem_member certificatePem $DEMO/work/claim.json >$DEMO/work/claim.cert.pem'
run 'pem_member PrivateKey $DEMO/work/claim.json >$DEMO/work/claim.key.pem'
run 'curl -sSf http://$SEDGE_API/root.ca.pem -o $DEMO/work/root.ca.pem'
env_line "SEDGE_ROOT=${SHORT_ROOT:-$DEMO}/greengrass"
printf '%s\n' "$SEDGE_ROOT/ggc/var/run/greengrassd.pid" >"$DEMO/pid-file"
