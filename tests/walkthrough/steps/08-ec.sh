title "8. Once more with a P-256 key and a certificate of the customer's own CA"
core stop
say "The customer's CA, registered with the cloud (a certificate for the registration code proves that its key is at hand):"
run 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/O=Customer/CN=Customer device CA" -keyout $DEMO/work/ca.key -out $DEMO/work/ca.pem 2>/dev/null'
capture registration_code 'aws --endpoint-url http://$SEDGE_API iot get-registration-code --query registrationCode --output text'
run "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$registration_code -keyout \$DEMO/work/verification.key -out \$DEMO/work/verification.csr 2>/dev/null"
run 'openssl x509 -req -days 1 -in $DEMO/work/verification.csr -CA $DEMO/work/ca.pem -CAkey $DEMO/work/ca.key -CAcreateserial -out $DEMO/work/verification.pem 2>/dev/null'
run 'aws --endpoint-url http://$SEDGE_API iot register-ca-certificate --ca-certificate file://$DEMO/work/ca.pem --verification-certificate file://$DEMO/work/verification.pem --set-as-active --query certificateId --output text'
say
say "The device's key and certificate:"
run 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $DEMO/work/device.private.pem'
run 'openssl req -new -key $DEMO/work/device.private.pem -subj /CN=SE050_Core -out $DEMO/work/device.csr'
run 'openssl x509 -req -days 30 -in $DEMO/work/device.csr -CA $DEMO/work/ca.pem -CAkey $DEMO/work/ca.key -CAcreateserial -out $DEMO/work/device.pem 2>/dev/null'
capture CERTIFICATE_ARN 'aws --endpoint-url http://$SEDGE_API iot register-certificate --certificate-pem file://$DEMO/work/device.pem --ca-certificate-pem file://$DEMO/work/ca.pem --set-as-active --query certificateArn --output text'
env_line "CERTIFICATE_ARN=$CERTIFICATE_ARN"
run 'aws --endpoint-url http://$SEDGE_API iot attach-policy --policy-name SE050_Core-policy --target $CERTIFICATE_ARN'
run 'aws --endpoint-url http://$SEDGE_API iot attach-thing-principal --thing-name SE050_Core --principal $CERTIFICATE_ARN'
run 'cp $DEMO/work/device.pem $SEDGE_ROOT/certs/$HASH.cert.pem'
say
say "Into the chip, under the id of before, and nowhere else:"
run 'ssscli se05x reset'
inject_key ecc '$DEMO/work/device.private.pem'
say
say "config.json stays as it is."
lines_before=$(wc -l <"$runtime_log")
core_start
since() { tail -n +$((lines_before + 1)) "$runtime_log"; }
await 30 "the core connects with its P-256 key (see $runtime_log)" 'since | grep -q "MQTT connection established"'
expect "one line, and one only, says that secret resources need an RSA key" '[ "$(since | grep -c "RSA key")" = 1 ]'
run 'grep "RSA key" $SEDGE_ROOT/ggc/var/log/system/runtime.log | tail -n 1'
capture core_definition "$create_core_definition"
capture group_version "$(create_group_version "$logger_definition")"
deploy Success
env_line "SEDGE_DEPLOYMENT_ID=$deployment_id"
expect "group.json names that version" 'grep -qF "/versions/$group_version\"" "$group_json"'
expect "nothing about RSA was logged again" '[ "$(since | grep -c "RSA key")" = 1 ]'
expect_no_copy
scanner_end
