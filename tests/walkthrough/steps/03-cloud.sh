title "3. A cloud on this machine, managed with Debian's awscli"
start_cloud
say
say "The thing, its keys and its certificate:"
run 'aws --endpoint-url http://$SEDGE_API iot create-thing --thing-name SE050_Core --query thingArn --output text'
run 'aws --endpoint-url http://$SEDGE_API iot create-keys-and-certificate --set-as-active >$DEMO/work/keys.json'
env_line "CERTIFICATE_ARN=$(json_member certificateArn "$DEMO/work/keys.json")"
certificate_id=${CERTIFICATE_ARN##*/}
env_line "HASH=${certificate_id:0:10}"
say
say "A policy that allows this core's own topics, shadows and Greengrass data plane, its function's topics, and nothing else:"
write_policy '$DEMO/work/policy.json' SE050_Core
run 'aws --endpoint-url http://$SEDGE_API iot create-policy --policy-name SE050_Core-policy --policy-document file://$DEMO/work/policy.json --query policyArn --output text'
run 'aws --endpoint-url http://$SEDGE_API iot attach-policy --policy-name SE050_Core-policy --target $CERTIFICATE_ARN'
run 'aws --endpoint-url http://$SEDGE_API iot attach-thing-principal --thing-name SE050_Core --principal $CERTIFICATE_ARN'
say
make_group
say
say "What the V1 console used to hand out as a download:"
run 'sedgectl setup-archive --thing SE050_Core --keys $DEMO/work/keys.json --endpoint http://$SEDGE_API --out $DEMO/work'
expect "only its owner can read the archive" '[ "$(stat -c %a "$DEMO/work/$HASH-setup.tar.gz")" = 600 ]'
env_line "SEDGE_ROOT=${SHORT_ROOT:-$DEMO}/greengrass"
printf '%s\n' "$SEDGE_ROOT/var/run/greengrassd.pid" >"$DEMO/pid-file"
run 'mkdir -p $SEDGE_ROOT $DEMO/work/unpacked'
run 'tar -xzf $DEMO/work/$HASH-setup.tar.gz -C $SEDGE_ROOT'
run 'tar -xzf $DEMO/work/$HASH-setup.tar.gz -C $DEMO/work/unpacked'
run 'curl -sSf http://$SEDGE_API/root.ca.pem -o $SEDGE_ROOT/certs/root.ca.pem'
