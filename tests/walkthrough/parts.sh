# tests/walkthrough/parts.sh - what the walk and its enrol variant share. Sourced by tests/walkthrough/demo.

# The commands of docs/functions.md: the block behind the comment <!-- NAME -->.
page_block() { sed -n "/^<!-- $1 -->\$/,/^\`\`\`\$/p" "$TOP/docs/functions.md" | sed '1,2d;$d'; }
run_page() { run "$(page_block "$1")"; }

# A cloud on this machine, and the environment the AWS tools read.
start_cloud() {
    choose_port 4566 api_port
    choose_port 8883 mqtt_port
    choose_port 8443 https_port
    env_line "SEDGE_API=127.0.0.1:$api_port SEDGE_MQTT=localhost:$mqtt_port SEDGE_HTTPS=localhost:$https_port"
    background cloud "sedge-cloud serve --data \$DEMO/cloud --api 127.0.0.1:$api_port --mqtt 127.0.0.1:$mqtt_port --https 127.0.0.1:$https_port"
    await 10 "the cloud answers" 'curl -sf "http://$SEDGE_API/sedge/endpoints" >/dev/null || ! alive $PID_cloud'
    alive "$PID_cloud" || { cat "$DEMO/logs/cloud.log"; fail "the cloud ended"; }
    say "Its first start wrote the administrator's credentials, in the form the AWS tools read:"
    env_line 'AWS_SHARED_CREDENTIALS_FILE=$DEMO/cloud/admin-credentials AWS_DEFAULT_REGION=us-east-1 AWS_PAGER='
}

json_member() { sed -n "s/^ *\"$1\": \"\([^\"]*\)\".*/\1/p" "$2"; }

write_policy() { # FILE CORE
    local iot=arn:aws:iot:us-east-1:123456789012
    local gg=arn:aws:greengrass:us-east-1:123456789012:/greengrass/groups/'*'/deployments/'*'
    run "cat >$1 <<'END'
{\"Version\": \"2012-10-17\", \"Statement\": [
  {\"Effect\": \"Allow\", \"Action\": \"iot:Connect\", \"Resource\": [\"$iot:client/$2\", \"$iot:client/$2-c*\"]},
  {\"Effect\": \"Allow\", \"Action\": [\"iot:Publish\", \"iot:Receive\"], \"Resource\": [
    \"$iot:topic/\$aws/things/$2/*\", \"$iot:topic/\$aws/things/$2-gda/*\", \"$iot:topic/\$aws/things/$2-gci/*\", \"$iot:topic/hello/*\"]},
  {\"Effect\": \"Allow\", \"Action\": \"iot:Subscribe\", \"Resource\": [
    \"$iot:topicfilter/\$aws/things/$2/*\", \"$iot:topicfilter/\$aws/things/$2-gda/*\", \"$iot:topicfilter/\$aws/things/$2-gci/*\", \"$iot:topicfilter/hello/*\"]},
  {\"Effect\": \"Allow\", \"Action\": [\"iot:GetThingShadow\", \"iot:UpdateThingShadow\", \"iot:DeleteThingShadow\"], \"Resource\": [
    \"$iot:thing/$2\", \"$iot:thing/$2-*\"]},
  {\"Effect\": \"Allow\", \"Action\": [\"greengrass:GetDeployment\", \"greengrass:GetDeploymentArtifacts\",
    \"greengrass:UpdateCoreDeploymentStatus\"], \"Resource\": \"$gg\"}
]}
END"
}

create_core_definition='aws --endpoint-url http://$SEDGE_API greengrass create-core-definition --name SE050_Cores --query LatestVersionArn --output text --initial-version "{\"Cores\":[{\"Id\":\"core\",\"ThingArn\":\"arn:aws:iot:us-east-1:123456789012:thing/SE050_Core\",\"CertificateArn\":\"$CERTIFICATE_ARN\",\"SyncShadow\":false}]}"'
create_logger_definition() {
    printf '%s' "aws --endpoint-url http://\$SEDGE_API greengrass create-logger-definition --name SE050_Loggers --query LatestVersionArn --output text --initial-version '{\"Loggers\":[{\"Id\":\"system\",\"Type\":\"FileSystem\",\"Component\":\"GreengrassSystem\",\"Level\":\"$1\",\"Space\":1024}]}'"
}
create_group_version() { # LOGGER_ARN: prints the line
    printf '%s' "aws --endpoint-url http://\$SEDGE_API greengrass create-group-version --group-id \$SEDGE_GROUP_ID --core-definition-version-arn $core_definition --logger-definition-version-arn $1 --subscription-definition-version-arn $subscription_definition --query Version --output text"
}

# A core, what it logs, a subscription: SEDGE_GROUP_ID and $group_version. Needs CERTIFICATE_ARN.
make_group() {
    say "The group: a core, what it logs, a subscription."
    capture core_definition "$create_core_definition"
    capture logger_definition "$(create_logger_definition DEBUG)"
    capture subscription_definition 'aws --endpoint-url http://$SEDGE_API greengrass create-subscription-definition --name SE050_Subscriptions --query LatestVersionArn --output text --initial-version "{\"Subscriptions\":[{\"Id\":\"shadow-to-cloud\",\"Source\":\"GGShadowService\",\"Subject\":\"hello/shadow\",\"Target\":\"cloud\"}]}"'
    capture group_id 'aws --endpoint-url http://$SEDGE_API greengrass create-group --name SE050_Group --query Id --output text'
    env_line "SEDGE_GROUP_ID=$group_id"
    capture group_version "$(create_group_version "$logger_definition")"
}
