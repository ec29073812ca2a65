/* Every member of config.json: its type, its range, one past each end, its default. */
#include "../cm.h"
#include "base/buf.h"
#include "edge/config.h"

#include <stdio.h>

#define ARN "arn:aws:iot:eu-west-1:123456789012:thing/CORE_1"
#define CORE_MIN "\"thingArn\":\"" ARN "\",\"iotHost\":\"h.example\",\"ggHost\":\"g.example\""
#define FILES "\"caPath\":\"ca.pem\",\"certPath\":\"c.pem\",\"keyPath\":\"k.pem\""
/* A whole file with X added to coreThing, and Y behind coreThing. */
#define WITH(x, y) "{\"coreThing\":{" CORE_MIN "," FILES x "}" y "}"
#define CRYPTO(p11, iot)                                                            \
    "{\"coreThing\":{" CORE_MIN "},\"crypto\":{\"caPath\":\"file:///r/ca.pem\"" p11 \
    ",\"principals\":{\"IoTCertificate\":{\"certificatePath\":\"file:///r/c.pem\"" iot "}}}}"
#define P11 \
    ",\"PKCS11\":{\"P11Provider\":\"/usr/lib/x.so\",\"slotLabel\":\"greengrass\",\"slotUserPin\":\"1234\"}"
#define TOKEN_KEY(uri) ",\"privateKeyPath\":\"" uri "\""

static err_t parse(const char *text, struct config **ret, struct problem *why)
{
    return config_parse(slice_str(text), "/r/config/config.json", "/r", ret, why);
}

struct one {
    const char *text;
    const char *says; /* NULL: accepted; otherwise part of the message */
};

static const struct one cases[] = {
    { WITH("", ""), NULL },
    { WITH("", ",\"runtime\":{\"cgroup\":{\"useSystemd\":\"no\"}},\"managedRespawn\":false"), NULL },
    { WITH("", ",\"runtime\":{\"cgroup\":{\"useSystemd\":true}}"), NULL },
    { WITH("", ",\"runtime\":{\"cgroup\":{\"useSystemd\":\"maybe\"}}"),
      "runtime.cgroup.useSystemd must be \"yes\" or \"no\"" },
    { WITH("", ",\"runtime\":7"), "runtime must be an object" },
    { WITH("", ",\"managedRespawn\":\"no\""), "managedRespawn must be true or false" },
    { WITH(",\"iotMqttPort\":1", ""), NULL },
    { WITH(",\"iotMqttPort\":65535", ""), NULL },
    { WITH(",\"iotMqttPort\":0", ""), "coreThing.iotMqttPort is 0, it must be between 1 and 65535" },
    { WITH(",\"iotMqttPort\":65536", ""), "between 1 and 65535" },
    { WITH(",\"iotMqttPort\":\"8883\"", ""), "must be a whole number, without quotes" },
    { WITH(",\"iotMqttPort\":8883.5", ""), "must be a whole number" },
    { WITH(",\"iotHttpPort\":65536", ""), "coreThing.iotHttpPort" },
    { WITH(",\"ggHttpPort\":0", ""), "coreThing.ggHttpPort" },
    { WITH(",\"ggMqttPort\":1024", ""), NULL },
    { WITH(",\"ggMqttPort\":1023", ""), "between 1024 and 65535" },
    { WITH(",\"ggDaemonPort\":65535", ""), NULL },
    { WITH(",\"ggDaemonPort\":1023", ""), "coreThing.ggDaemonPort" },
    { WITH(",\"keepAlive\":30", ""), NULL },
    { WITH(",\"keepAlive\":29", ""), "between 30 and 1200" },
    { WITH(",\"keepAlive\":1200", ""), NULL },
    { WITH(",\"keepAlive\":1201", ""), "between 30 and 1200" },
    { WITH(",\"mqttOperationTimeout\":5", ""), NULL },
    { WITH(",\"mqttOperationTimeout\":4", ""), "coreThing.mqttOperationTimeout is 4" },
    { WITH(",\"systemComponentAuthTimeout\":500", ""), NULL },
    { WITH(",\"systemComponentAuthTimeout\":499", ""), "between 500 and 5000" },
    { WITH(",\"systemComponentAuthTimeout\":5001", ""), "between 500 and 5000" },
    { WITH(",\"coreClientId\":\"x\"", ""), NULL },
    { WITH(",\"coreClientId\":\"\"", ""), "coreThing.coreClientId must be a string that is not empty" },
    { WITH(",\"networkProxy\":{\"proxy\":{\"url\":\"http://p:1\"}}", ""), NULL },
    { WITH(",\"networkProxy\":{\"proxy\":{\"url\":\"socks://p:1\"}}", ""), "proxy.url must be http" },
    { WITH("", ",\"runtime\":{\"maxConcurrentLimit\":25}"), NULL },
    { WITH("", ",\"runtime\":{\"maxConcurrentLimit\":24}"), "must not be below runtime.lruSize" },
    { WITH("", ",\"runtime\":{\"maxConcurrentLimit\":3,\"lruSize\":3}"), NULL },
    { WITH("", ",\"runtime\":{\"maxWorkItemCount\":0}"), "runtime.maxWorkItemCount is 0" },
    { WITH("", ",\"runtime\":{\"postStartHealthCheckTimeout\":0}"), "runtime.postStartHealthCheckTimeout" },
    { WITH("", ",\"runtime\":{\"allowFunctionsToRunAsRoot\":\"yes\"}"), NULL },
    { WITH("", ",\"runtime\":{\"mountAllBlockDevices\":1}"), "runtime.mountAllBlockDevices must be" },
    { WITH("", ",\"mqttMaxConnectionRetryInterval\":1"), NULL },
    { WITH("", ",\"mqttMaxConnectionRetryInterval\":0"), "mqttMaxConnectionRetryInterval is 0" },
    { WITH("", ",\"system\":{\"shadowSyncTimeout\":0}"), "system.shadowSyncTimeout" },
    { WITH("", ",\"system\":{\"useOverlayWithTmpfs\":true}"), NULL },
    { WITH("", ",\"writeDirectory\":\"/w\""), NULL },
    { WITH("", ",\"writeDirectory\":\"w\""), "writeDirectory must be an absolute path" },
    { WITH("", ",\"pidFileDirectory\":\"run\""), "pidFileDirectory must be an absolute path" },
    { "{\"coreThing\":{" CORE_MIN "}}", "missing the CaPath, CertPath or KeyPath" },
    { "{\"coreThing\":{\"thingArn\":\"" ARN "\",\"iotHost\":\"h\"," FILES "}}",
      "coreThing.ggHost is missing" },
    { "{\"coreThing\":{\"thingArn\":\"arn:aws:iot:r:1:thing\",\"iotHost\":\"h\",\"ggHost\":\"g\"," FILES "}}",
      "thingArn must look like" },
    { "{\"coreThing\":{\"thingArn\":\"" ARN "/x\",\"iotHost\":\"h\",\"ggHost\":\"g\"," FILES "}}",
      "thingArn must look like" },
    { "[]", "must hold one object" },
    /* crypto */
    { CRYPTO("", TOKEN_KEY("file:///r/k.pem")), NULL },
    { CRYPTO(P11, TOKEN_KEY("pkcs11:object=iotkey;type=private")), NULL },
    { CRYPTO(P11, TOKEN_KEY("pkcs11:object=sss:20181001;type=private")), NULL },
    { CRYPTO(P11, TOKEN_KEY("pkcs11:token=greengrass;object=iotkey;type=private")), NULL },
    { CRYPTO(P11, TOKEN_KEY("pkcs11:token=other;object=iotkey;type=private")), "names the token other" },
    { CRYPTO(P11, TOKEN_KEY("pkcs11:object=iotkey;type=cert")), "IoTCertificate.privateKeyPath" },
    { CRYPTO(P11, TOKEN_KEY("pkcs11:type=private")), "IoTCertificate.privateKeyPath" },
    { CRYPTO(P11, TOKEN_KEY("iotkey")), "ErrUnknownURIScheme" },
    { CRYPTO(P11, TOKEN_KEY("file://r/k.pem")), "absolute path" },
    { CRYPTO(P11, ""), "IoTCertificate.privateKeyPath is missing" },
    { CRYPTO("", TOKEN_KEY("pkcs11:object=iotkey")), "P11Provider (the absolute path" },
    { CRYPTO(",\"PKCS11\":{\"P11Provider\":\"/x.so\"}", TOKEN_KEY("pkcs11:object=iotkey")), "slotLabel" },
    { CRYPTO(",\"PKCS11\":{\"P11Provider\":\"x.so\"}", TOKEN_KEY("pkcs11:object=k")),
      "P11Provider must be an absolute path" },
    { CRYPTO(",\"PKCS11\":{\"P11Provider\":\"/x.so\",\"slotLabel\":\"l\"}", TOKEN_KEY("pkcs11:object=k")),
      "slotUserPin is needed" },
    { CRYPTO(",\"PKCS11\":{\"P11Provider\":\"/x.so\",\"slotLabel\":\"l\",\"slotUserPin\":1234}",
             TOKEN_KEY("pkcs11:object=k")),
      "slotUserPin must be a string" },
    { CRYPTO(",\"PKCS11\":{\"P11Provider\":\"/"
             "x.so\",\"slotLabel\":\"123456789012345678901234567890123\",\"slotUserPin\":\"1\"}",
             TOKEN_KEY("pkcs11:object=k")),
      "at most 32 are allowed" },
    /* broken JSON: file, line, column, what was left open */
    { "{\n \"coreThing\": {\n", "/r/config/config.json: line 3, column 1" },
    { "{\n \"coreThing\": {\n", "an object { is still open" },
    { "{\n \"a\": 1\n \"b\": 2\n}", "line 3" },
    { "{\"a\":1,\"a\":2}", "line 1" },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *c = NULL;
        struct problem why = { "" };
        err_t e = parse(cases[i].text, &c, &why);
        print_message("  %s\n", cases[i].text);
        if (cases[i].says) {
            assert_int_equal(e, ERR_INVALID);
            assert_null(c); /* untouched on failure */
            if (!strstr(why.text, cases[i].says))
                fail_msg("\"%s\" is not in \"%s\"", cases[i].says, why.text);
            assert_null(strstr(why.text, "1234")); /* never the PIN */
        } else {
            if (e)
                fail_msg("refused: %s", why.text);
            config_free(c);
        }
    }
}

static void defaults_are_v1s(void **state)
{
    struct config *c = NULL;
    struct problem why;

    (void)state;
    assert_int_equal(parse(WITH("", ""), &c, &why), ERR_OK);
    assert_int_equal(c->iot_mqtt_port, 8883);
    assert_int_equal(c->iot_http_port, 8443);
    assert_int_equal(c->gg_http_port, 8443);
    assert_int_equal(c->gg_mqtt_port, 8883);
    assert_int_equal(c->gg_daemon_port, 8000);
    assert_int_equal(c->keep_alive_s, 600);
    assert_int_equal(c->mqtt_operation_timeout_s, 5);
    assert_int_equal(c->component_auth_timeout_ms, 5000);
    assert_int_equal(c->max_work_items, 1024);
    assert_int_equal(c->max_concurrent, 25);
    assert_int_equal(c->lru_size, 25);
    assert_int_equal(c->health_check_timeout_ms, 30000);
    assert_int_equal(c->max_retry_interval_s, 60);
    assert_int_equal(c->shadow_sync_timeout_s, 5);
    assert_string_equal(c->client_id, "CORE_1");
    assert_string_equal(c->thing_name, "CORE_1");
    assert_string_equal(c->region, "eu-west-1");
    assert_string_equal(c->account, "123456789012");
    assert_string_equal(c->partition, "aws");
    assert_string_equal(c->write_dir, "/r/ggc");
    assert_false(c->has_write_dir);
    assert_null(c->pid_dir);
    assert_string_equal(c->ca_file, "/r/certs/ca.pem");
    assert_string_equal(c->cert_file, "/r/certs/c.pem");
    assert_string_equal(c->iot_key.uri, "file:///r/certs/k.pem");
    config_free(c);
}

/* The published walk's file: every principal on one object of the chip. */
static void published_file(void **state)
{
    static const char text[] =
        "{\"coreThing\":{" CORE_MIN
        ",\"keepAlive\":600},\"runtime\":{\"cgroup\":{\"useSystemd\":\"yes\"}},\"managedRespawn\":false,"
        "\"crypto\":{\"PKCS11\":{\"P11Provider\":\"/usr/local/lib/"
        "libsss_pkcs11.so\",\"slotLabel\":\"SSS_PKCS11\",\"slotUserPin\":\"1234\"},"
        "\"principals\":{\"SecretsManager\":{\"privateKeyPath\":\"pkcs11:object=sss:20181001;type=private\"},"
        "\"IoTCertificate\":{\"privateKeyPath\":\"pkcs11:object=sss:20181001;type=private\","
        "\"certificatePath\":\"file:///g/certs/c.pem\"},"
        "\"MQTTServerCertificate\":{\"privateKeyPath\":\"pkcs11:object=sss:20181001;type=private\"}},"
        "\"caPath\":\"file:///g/certs/root.ca.pem\"}}";
    struct config *c = NULL;
    struct problem why;

    (void)state;
    if (parse(text, &c, &why))
        fail_msg("%s", why.text);
    assert_true(config_uses_token(c));
    assert_int_equal(c->iot_key.kind, KEYREF_TOKEN);
    assert_string_equal(c->iot_key.label, "sss:20181001");
    assert_string_equal(c->secret_key.uri, c->iot_key.uri);
    assert_int_equal(c->mqtt_key.kind, KEYREF_TOKEN);
    assert_true(secret_eq(c->pin, SLICE_LIT("1234")));
    assert_true(c->cgroup_systemd);
    assert_int_equal(c->warning_count, 0);
    config_free(c);
}

static void unknown_members_are_named(void **state)
{
    struct config *c = NULL;
    struct problem why;

    (void)state;
    assert_int_equal(parse(WITH(",\"colour\":1", ",\"runtime\":{\"speed\":{}}"), &c, &why), ERR_OK);
    assert_int_equal(c->warning_count, 2);
    assert_non_null(strstr(c->warnings[0], "coreThing.colour"));
    assert_non_null(strstr(c->warnings[1], "runtime.speed"));
    config_free(c);
}

static void client_id_length(void **state)
{
    static const size_t lengths[] = { 128, 129 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char id[200], text[2000];
        struct config *c = NULL;
        struct problem why;
        memset(id, 'x', lengths[i]);
        id[lengths[i]] = '\0';
        (void)snprintf(text, sizeof(text), "{\"coreThing\":{" CORE_MIN "," FILES ",\"coreClientId\":\"%s\"}}",
                       id);
        assert_int_equal(parse(text, &c, &why), lengths[i] == 128 ? ERR_OK : ERR_INVALID);
        config_free(c);
    }
}

static void every_prefix_is_refused(void **state)
{
    static const char whole[] = WITH(",\"keepAlive\":30", "");

    (void)state;
    for (size_t n = 0; n + 1 < sizeof(whole); n++) {
        struct config *c = NULL;
        struct problem why;
        assert_int_equal(config_parse(slice_of(whole, n), "f", "/r", &c, &why), ERR_INVALID);
        assert_null(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),        cmocka_unit_test(defaults_are_v1s),
        cmocka_unit_test(published_file),   cmocka_unit_test(unknown_members_are_named),
        cmocka_unit_test(client_id_length), cmocka_unit_test(every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
