title "4. The key is made in the chip, and nowhere else"
run 'printf "1234\n" >$DEMO/work/pin'
enrol='sedgectl enrol --root $SEDGE_ROOT --module $PWD/build/lib/libsss_pkcs11.so --pin-file $DEMO/work/pin --cloud $SEDGE_MQTT:${SEDGE_HTTPS#*:} --ca $DEMO/work/root.ca.pem --template cores --claim-cert $DEMO/work/claim.cert.pem --claim-key $DEMO/work/claim.key.pem --parameter Name=SE050_Core'
run "$enrol"
say "The claim has done its work:"
run 'rm $DEMO/work/claim.json $DEMO/work/claim.key.pem'
no_private_key() { ! grep -rlE -- '-----BEGIN [A-Z ]*PRIVATE KEY-----' "$DEMO/work" "$SEDGE_ROOT" "$DEMO/home"; }
# Where the other walk looks for copies of the key it injected, here no key ever was in a file.
expect_no_copy() { expect "no file of the device holds a private key" no_private_key; }
scanner_end() { :; }
expect_no_copy
say "Once more is harmless:"
capture again "$enrol"
expect "it says so" '[[ $again = *"enrolled already: thing SE050_Core"* ]]'
certificate=$(echo "$SEDGE_ROOT"/certs/*.cert.pem)
env_line "HASH=$(basename "$certificate" .cert.pem)"
capture CERTIFICATE_ARN 'aws --endpoint-url http://$SEDGE_API iot list-thing-principals --thing-name SE050_Core --query "principals[0]" --output text'
env_line "CERTIFICATE_ARN=$CERTIFICATE_ARN"
say "The chip has it:"
run 'ssscli se05x readidlist | grep -i 20181001'
say
make_group
