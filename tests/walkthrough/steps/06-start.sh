title "6. The edge runtime starts; its key stays in the chip"
run 'tar -xzf $PWD/build/greengrass-linux-*-1.11.6.tar.gz -C ${SEDGE_ROOT%/greengrass}'
run 'mkdir -p $SEDGE_ROOT/var/run'
say "Functions for nodejs12.x look for an interpreter of that name (docs/functions.md):"
run_page interpreter
runtime_log=$SEDGE_ROOT/ggc/var/log/system/runtime.log
private_key_operations() { sed -n 's/.*"private_key_operations": *\([0-9]*\).*/\1/p' "$DEMO/chip.counters"; }
operations_before=$(private_key_operations)
core() { run "cd \$SEDGE_ROOT/ggc/core && ./greengrassd $1; status=\$?; cd \"\$OLDPWD\"; [ \$status = 0 ]"; }
core_start() {
    core start
    printf '%s greengrassd\n' "$(cat "$(cat "$DEMO/pid-file")")" >>"$DEMO/pids"
}
core_start
seen() { grep -qF -- "$1" "$runtime_log"; }
not_connected() {
    say "The core's log:"
    grep -E "^\[[^]]*\]\[(WARN|ERROR|FATAL)\]" "$runtime_log" | tail -n 3
    say "The cloud's log:"
    grep -E "^[^ ]* (warn|error) " "$DEMO"/logs/*cloud.log | tail -n 2
    fail "the core has not connected within ${AWAIT_CONNECT:-30} s"
}
connected_by=$((SECONDS + ${AWAIT_CONNECT:-30}))
until seen "-All topics subscribed."; do
    [ $SECONDS -lt $connected_by ] || not_connected
    sleep 0.1
done
run 'grep -A 12 "Connecting with MQTT" $SEDGE_ROOT/ggc/var/log/system/runtime.log'
gda='$aws/things/SE050_Core-gda/shadow'
ordered() { # each line after the one before
    local last=0 at line
    for line in "$@"; do
        at=$(grep -nF -- "$line" "$runtime_log" | head -n 1 | cut -d: -f1)
        [ -n "$at" ] && [ "$at" -gt "$last" ] || { say "  missing or out of order: $line"; return 1; }
        last=$at
    done
}
expect "the seven lines stand in V1's order, a tab before the JSON" 'ordered \
    "[INFO]-Connecting with MQTT.	{\"endpoint\": \"$SEDGE_MQTT\", \"clientId\": \"SE050_Core\"}" \
    "[INFO]-MQTT connection successful.	{\"attemptId\": \"" \
    "[INFO]-MQTT connection connected. Start subscribing.	{\"clientId\": \"SE050_Core\", \"count\": 1}" \
    "[INFO]-Daemon connected to cloud." \
    "[INFO]-Start subscribing.	{\"numOfTopics\": 5, \"clientId\": \"SE050_Core\"}" \
    "[INFO]-Trying to subscribe to topic $gda/get/accepted" \
    "[INFO]-MQTT connection established.	{\"endpoint\": \"$SEDGE_MQTT\", \"clientId\": \"SE050_Core\"}"'
for suffix in get/rejected update/accepted update/rejected update/delta; do
    seen "Trying to subscribe to topic $gda/$suffix" || fail "runtime.log does not name $gda/$suffix"
done
expect "the chip made one private-key operation for the handshake" '[ "$(private_key_operations)" = $((operations_before + 1)) ]'
say "While the core is connected, others still reach the chip:"
run 'ssscli se05x uid'
