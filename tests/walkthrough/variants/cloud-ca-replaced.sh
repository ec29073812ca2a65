# Another cloud answers at the same address: its CA is not the one the core trusts.
ENDS_AT=06-start
SAYS='root.ca.pem'
before_06_start() {
    AWAIT_CONNECT=6
    end_processes "$PID_cloud"
    background other-cloud "sedge-cloud serve --data \$DEMO/other-cloud --api 127.0.0.1:$api_port --mqtt 127.0.0.1:$mqtt_port --https 127.0.0.1:$https_port"
    await 10 "the other cloud answers" 'curl -sf "http://$SEDGE_API/sedge/endpoints" >/dev/null'
}
