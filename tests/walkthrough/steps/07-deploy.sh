title "7. Deployments"
# Each state once, until it is a final one: deployment_state ID
follow_deployment() {
    local state last= end=$((SECONDS + 30))
    while :; do
        state=$(aws --endpoint-url "http://$SEDGE_API" greengrass get-deployment-status --group-id "$SEDGE_GROUP_ID" --deployment-id "$1" --query DeploymentStatus --output text) || fail "get-deployment-status"
        [ "$state" = "$last" ] || say "$state"
        last=$state
        case $state in Success | Failure) break ;; esac
        [ $SECONDS -lt $end ] || fail "the deployment is still $state after 30 s (see $runtime_log)"
    done
    DEPLOYMENT_STATE=$state
}
create_deployment='aws --endpoint-url http://$SEDGE_API greengrass create-deployment --group-id $SEDGE_GROUP_ID --deployment-type NewDeployment --group-version-id $group_version --query DeploymentId --output text'
# What somebody on the way could do: the core is held back until the stored document is another one.
alter_document() {
    run "sqlite3 \$DEMO/cloud/sedge.db \"UPDATE gg_deployments SET envelope = replace(envelope, 'eyJ2Ijox', 'eyJ2Ijoy') WHERE uuid = '$deployment_id'\""
}
alter_signature() {
    run "sqlite3 \$DEMO/cloud/sedge.db \"UPDATE gg_deployments SET envelope = replace(envelope, substr(envelope, instr(envelope, 'signature') + 20, 4), 'AAAA') WHERE uuid = '$deployment_id'\""
}
deploy() { # WANTED_STATE [ALTER]: with ALTER the core is away while the deployment is made and altered
    [ -z "${2:-}" ] || core stop
    capture deployment_id "$create_deployment"
    if [ -n "${2:-}" ]; then
        "$2"
        core_start
    fi
    say '$ aws --endpoint-url http://$SEDGE_API greengrass get-deployment-status --group-id $SEDGE_GROUP_ID --deployment-id '"$deployment_id --query DeploymentStatus --output text   # until it ends; each state once:"
    follow_deployment "$deployment_id"
    if [ "$DEPLOYMENT_STATE" != "$1" ] || [ "$1" = Failure ]; then
        run "aws --endpoint-url http://\$SEDGE_API greengrass get-deployment-status --group-id \$SEDGE_GROUP_ID --deployment-id $deployment_id"
    fi
    [ "$DEPLOYMENT_STATE" = "$1" ] || fail "the deployment ended as $DEPLOYMENT_STATE, not as $1"
}
deploy Success "${tamper_first:-}"
env_line "SEDGE_DEPLOYMENT_ID=$deployment_id"
group_json=$SEDGE_ROOT/ggc/deployment/group/group.json
reported() { aws --endpoint-url "http://$SEDGE_API" iot-data get-thing-shadow --thing-name SE050_Core-gda "$DEMO/work/gda.json" >/dev/null && cat "$DEMO/work/gda.json"; }
expect "group.json names that version" 'grep -qF "/greengrass/groups/$SEDGE_GROUP_ID/versions/$group_version\"" "$group_json"'
await 10 "runtime.log has DEBUG lines, as the logger definition asks" 'grep -q "\[DEBUG\]-" "$runtime_log"'
say "  ok: runtime.log has DEBUG lines, as the logger definition asks"
await 10 "the shadow's reported state names the deployment" 'reported | grep -q "\"reported\":{[^}]*\"deploymentId\":\"$SEDGE_DEPLOYMENT_ID\""'
say "  ok: the reported state of SE050_Core-gda names the deployment"
say
say "A second one, at level INFO, replaces it:"
capture logger_definition "$(create_logger_definition INFO)"
capture group_version "$(create_group_version "$logger_definition")"
deploy Success
env_line "SEDGE_DEPLOYMENT_ID=$deployment_id"
expect "group.json names the second version" 'grep -qF "/versions/$group_version\"" "$group_json"'
running_version=$group_version
say
say "A third one whose document somebody alters on its way from the cloud to the core:"
capture group_version "$(create_group_version "$logger_definition")"
deploy Failure alter_document
expect "the second still runs" 'grep -qF "/versions/$running_version\"" "$group_json"'
say
say "All this time the key was used, and still there is no copy:"
expect_no_copy
scanner_end
