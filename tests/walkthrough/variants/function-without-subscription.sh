# Nobody subscribed the cloud to what the function says.
ENDS_AT=09-function
SAYS='Failed to get routes. Discarding message'
change_group() {
    AWAIT_MESSAGE=6
    capture logger_definition "$(create_logger_definition DEBUG)"
    capture SUBSCRIPTIONS 'aws --endpoint-url http://$SEDGE_API greengrass create-subscription-definition --name other --query LatestVersionArn --output text --initial-version "{\"Subscriptions\":[{\"Id\":\"up\",\"Source\":\"$HELLO\",\"Subject\":\"hello/other\",\"Target\":\"cloud\"}]}"'
}
