title "5. config.json: the published one, with this machine's hosts, paths and ports"
write_published_config() { # FILE CORE: as the walkthrough for SE050 and Greengrass V1 prints it
    run "cat >$1 <<'END'
{
  \"coreThing\": {
    \"caPath\": \"root.ca.pem\",
    \"certPath\": \"HASH.cert.pem\",
    \"keyPath\": \"HASH.private.key\",
    \"thingArn\": \"arn:aws:iot:us-east-1:123456789012:thing/$2\",
    \"iotHost\": \"PREFIX-ats.iot.us-east-1.amazonaws.com\",
    \"ggHost\": \"greengrass-ats.iot.us-east-1.amazonaws.com\",
    \"keepAlive\": 600
  },
  \"runtime\": {
    \"cgroup\": {
      \"useSystemd\": \"yes\"
    }
  },
  \"managedRespawn\": false,
  \"crypto\": {
    \"PKCS11\": {
      \"P11Provider\": \"/usr/local/lib/libsss_pkcs11.so\",
      \"slotLabel\": \"SSS_PKCS11\",
      \"slotUserPin\": \"1234\"
    },
    \"principals\": {
      \"SecretsManager\": {
        \"privateKeyPath\": \"pkcs11:object=sss:20181001;type=private\"
      },
      \"IoTCertificate\": {
        \"privateKeyPath\": \"pkcs11:object=sss:20181001;type=private\",
        \"certificatePath\": \"file:///greengrass/certs/HASH.cert.pem\"
      },
      \"MQTTServerCertificate\": {
        \"privateKeyPath\": \"pkcs11:object=sss:20181001;type=private\"
      }
    },
    \"caPath\": \"file:///greengrass/certs/root.ca.pem\"
  }
}
END"
}
choose_port 8000 ipc_port
env_line "SEDGE_IPC_PORT=$ipc_port"
write_published_config '$DEMO/work/published.json' SE050_Core
here_edits='-e "s|HASH|$HASH|" -e "s|/usr/local/lib/|$PWD/build/lib/|" -e "s|file:///greengrass/|file://$SEDGE_ROOT/|" -e "s|PREFIX-ats.iot.us-east-1.amazonaws.com|localhost|" -e "s|greengrass-ats.iot.us-east-1.amazonaws.com|localhost|" -e "s|^  \"managedRespawn\"|  \"pidFileDirectory\": \"$SEDGE_ROOT/var/run\",\n&|"'
if [ "$mqtt_port $https_port" != "8883 8443" ]; then # ports that are not the standard ones have to be said
    here_edits="$here_edits "'-e "s|^ *\"keepAlive\"|    \"iotMqttPort\": ${SEDGE_MQTT#*:},\n    \"iotHttpPort\": ${SEDGE_HTTPS#*:},\n    \"ggHttpPort\": ${SEDGE_HTTPS#*:},\n&|"'
fi
if [ $ipc_port != 8000 ]; then
    here_edits="$here_edits "'-e "s|^ *\"keepAlive\"|    \"ggDaemonPort\": $SEDGE_IPC_PORT,\n&|"'
fi
if [ "$(id -u)" = 0 ]; then # functions run as whoever calls, and that is root: no account is made for them here
    here_edits="$here_edits "'-e "s|^  \"runtime\": {|&\n    \"allowFunctionsToRunAsRoot\": \"yes\",|"'
fi
run "sed $here_edits \$DEMO/work/published.json >\$SEDGE_ROOT/config/config.json"
say "What differs from the published file:"
run 'diff $DEMO/work/published.json $SEDGE_ROOT/config/config.json; [ $? = 1 ]'
