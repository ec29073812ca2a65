/* What a person is told about each way a connection can end. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/link/link.h"

static const struct {
    enum link_role role;
    enum link_state at;
    err_t e;
    const char *detail, *says;
} cases[] = {
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_UNAVAILABLE, "cannot connect to h:1: Connection refused",
      "iotMqttPort" },
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_TIMEOUT, "timed out", "iotHost" },
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_AUTH,
      "the peer's certificate is not accepted: unable to get local issuer", "crypto.caPath" },
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_AUTH, "the peer refused us: it does not accept our certificate",
      "registered with the cloud and ACTIVE" },
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_PROTO, "wrong version number", "MQTT port with TLS" },
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_CRYPTO, "our private key did not sign", "token answers" },
    { LINK_DEPLOYMENTS, LINK_CONNECTING, ERR_IO, "reset", "token answers" },
    { LINK_DEPLOYMENTS, LINK_CONNACK, ERR_EOF, "", "policy allows iot:Connect for client id CORE-x" },
    { LINK_DEPLOYMENTS, LINK_CONNACK, ERR_EOF, "", "certificate is ACTIVE" },
    { LINK_DEPLOYMENTS, LINK_CONNACK, ERR_IO, "", "a policy is attached" },
    { LINK_DEPLOYMENTS, LINK_CONNACK, ERR_DENIED, "CONNACK 5", "certificate is ACTIVE" },
    { LINK_DEPLOYMENTS, LINK_CONNACK, ERR_AUTH, "the peer refused us",
      "registered with the cloud and ACTIVE" },
    { LINK_DEPLOYMENTS, LINK_SUBSCRIBING, ERR_DENIED, "SUBACK 0x80",
      "iot:Subscribe and iot:Receive for $aws/things/CORE-gda/shadow/*" },
    { LINK_DEPLOYMENTS, LINK_SUBSCRIBING, ERR_EOF, "", "the -gda topics" },
    { LINK_DEPLOYMENTS, LINK_READY, ERR_EOF, "", "client id CORE-x" },
    { LINK_DATA, LINK_CONNACK, ERR_EOF, "", "policy allows iot:Connect for client id CORE-x" },
    { LINK_DATA, LINK_SUBSCRIBING, ERR_DENIED, "SUBACK 0x80",
      "iot:Subscribe and iot:Receive for the topics" },
    { LINK_DATA, LINK_SUBSCRIBING, ERR_EOF, "", "iot:Connect for client ids CORE*" },
    { LINK_DATA, LINK_READY, ERR_EOF, "", "iot:Publish" },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct problem p = { "" };
        link_explain(cases[i].role, cases[i].at, cases[i].e, cases[i].detail, "CORE-x", "CORE", &p);
        if (!strstr(p.text, cases[i].says) || !strstr(p.text, cases[i].detail) || strchr(p.text, '{'))
            fail_msg("%s", p.text);
    }
}

static void without_a_hint(void **state)
{
    struct problem p = { "" };

    (void)state;
    link_explain(LINK_DEPLOYMENTS, LINK_READY, ERR_TIMEOUT, "", "c", "t", &p);
    assert_string_equal(p.text, err_str(ERR_TIMEOUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case), cmocka_unit_test(without_a_hint) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
