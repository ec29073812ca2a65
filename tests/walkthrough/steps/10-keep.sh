# What KEEP=1 leaves behind for whoever goes on from here.
if [ "${KEEP:-0}" = 1 ]; then
    # shellcheck disable=SC2046 # a list of words on purpose
    pids=$(family $(cut -d' ' -f1 "$DEMO/pids") | sort -nu | tr '\n' ' ')
    cat >"$DEMO/env" <<END
export PATH=$TOP/build/bin:$DEMO/bin:/usr/sbin:/usr/bin:/sbin:/bin
export DEMO=$DEMO
export SEDGE_API=$SEDGE_API
export SEDGE_MQTT=$SEDGE_MQTT
export SEDGE_HTTPS=$SEDGE_HTTPS
export AWS_SHARED_CREDENTIALS_FILE=$AWS_SHARED_CREDENTIALS_FILE
export AWS_DEFAULT_REGION=$AWS_DEFAULT_REGION
export SEDGE_CHIP_SOCKET=$SEDGE_CHIP_SOCKET
export EX_SSS_BOOT_SSS_PORT=vse:$SEDGE_CHIP_SOCKET
export SEDGE_ROOT=$SEDGE_ROOT
export SEDGE_CA=$SEDGE_ROOT/certs/root.ca.pem
export SEDGE_GROUP_ID=$SEDGE_GROUP_ID
export core_definition=$core_definition
export logger_definition=$logger_definition
export SEDGE_DEPLOYMENT_ID=$SEDGE_DEPLOYMENT_ID
export SEDGE_PIDS="${pids% }"
END
    title "Everything is left running. Things to try:"
    say ". $DEMO/env" \
        "pkcs11-tool --module build/lib/libsss_pkcs11.so --login --pin 1234 -O" \
        "tail -f \$SEDGE_ROOT/ggc/var/log/system/runtime.log" \
        "aws --endpoint-url http://\$SEDGE_API iot list-attached-policies --target \$(aws --endpoint-url http://\$SEDGE_API iot list-thing-principals --thing-name SE050_Core --query 'principals[0]' --output text)" \
        "make demo-stop     # ends it"
fi
