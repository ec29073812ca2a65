/* The table of the reference, 4.3: what a worker is told, and whose word counts. */
#include "../../cm.h"

#include "base/mem.h"
#include "edge/function/environment.h"

#include <string.h>

#define ARN "arn:aws:lambda:us-east-1:123456789012:function:hello:7"
#define CONFIG(more)                                                                      \
    "{\"coreThing\":{\"caPath\":\"r\",\"certPath\":\"c\",\"keyPath\":\"k\",\"thingArn\":" \
    "\"arn:aws:iot:us-east-1:123456789012:thing/"                                         \
    "CORE\",\"iotHost\":\"iot.example\",\"ggHost\":\"gg.example\","                       \
    "\"ggDaemonPort\":8123" more "},\"runtime\":{}}"

static char *variable(const struct runner_command *c, const char *name)
{
    size_t n = strlen(name);
    char *found = NULL;

    for (const char *const *v = c->envp; *v; v++) {
        if (strncmp(*v, name, n) != 0 || (*v)[n] != '=')
            continue;
        assert_null(found); /* once */
        found = (char *)(uintptr_t)*v + n + 1;
    }
    return found;
}

struct scene {
    struct config *config;
    struct group group;
    struct group_function f;
    struct environment *env;
    struct runner_command c;
};

static void begin(struct scene *s, const char *config, struct group_variable *variables, size_t n)
{
    struct problem why = { "" };
    struct environment_of of = { .group = &s->group,
                                 .function = &s->f,
                                 .package_dir = "/pkg",
                                 .code_dir = "/code",
                                 .path = "/bin",
                                 .token = SLICE_LIT("Basic c2VjcmV0") };

    s->group = (struct group){ .group_id = (char *)"gid", .lambda_level = ELOG_WARN };
    s->f = (struct group_function){ .arn = (char *)ARN,
                                    .handler = (char *)"index.handler",
                                    .runtime = (char *)"nodejs12.x",
                                    .variables = variables,
                                    .variable_count = n };
    assert_int_equal(config_parse(slice_str(config), "config.json", "/greengrass", &s->config, &why), ERR_OK);
    of.config = s->config;
    assert_int_equal(environment_new(&of, &s->env), ERR_OK);
    s->c = environment_command(s->env);
}

static void end(struct scene *s)
{
    environment_free(s->env);
    config_free(s->config);
}

static void the_table(void **state)
{
    static const struct {
        const char *name, *value;
    } want[] = {
        { "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic c2VjcmV0" },
        { "GG_DAEMON_PORT", "8123" },
        { "MY_FUNCTION_ARN", ARN },
        { "ENCODING_TYPE", "json" },
        { "SHADOW_FUNCTION_ARN", "arn:aws:lambda:::function:GGShadowService" },
        { "ROUTER_FUNCTION_ARN", "arn:aws:lambda:::function:GGRouter" },
        { "SECRETS_MANAGER_FUNCTION_ARN", "arn:aws:lambda:::function:GGSecretManager:1" },
        { "GGC_MAX_INTERFACE_VERSION", "1.5" },
        { "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:8123/2016-11-01/credentialprovider/" },
        { "AWS_REGION", "us-east-1" },
        { "AWS_DEFAULT_REGION", "us-east-1" },
        { "AWS_IOT_THING_NAME", "CORE" },
        { "AWS_IOT_THING_ARN", "arn:aws:iot:us-east-1:123456789012:thing/CORE" },
        { "GROUP_ID", "gid" },
        { "AWS_IOT_MQTT_ENDPOINT", "iot.example:8883" },
        { "AWS_IOT_HTTP_ENDPOINT", "iot.example:8443" },
        { "AWS_GG_MQTT_ENDPOINT", "gg.example:8883" },
        { "AWS_GG_HTTP_ENDPOINT", "gg.example:8443" },
        { "GG_MQTT_KEEP_ALIVE", "600" },
        { "LOG_LEVEL", "WARN" },
        { "_GG_LOG_FD_INFO", "1" },
        { "_GG_LOG_FD_ERROR", "2" },
        { "_GG_LOG_FD_DEBUG", "3" },
        { "_GG_LOG_FD_WARN", "4" },
        { "_GG_LOG_FD_FATAL", "5" },
        { "_GG_LOG_FD_TRACE", "6" },
        { "PATH", "/bin" },
        { "PWD", "/code" },
        { "NODE_PATH", "/code:/pkg/runtime/nodejs/node_modules:/code/node_modules" },
        { "PYTHONPATH", "/pkg/runtime/python" },
        { "LD_LIBRARY_PATH", "/pkg/runtime/c" },
    };
    struct scene s;

    (void)state;
    begin(&s, CONFIG(""), NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(variable(&s.c, want[i].name), want[i].value);
    assert_null(variable(&s.c, "http_proxy"));
    assert_null(variable(&s.c, "NO_PROXY"));
    assert_string_equal(s.c.program, "nodejs12.x");
    assert_string_equal(s.c.argv[2], "--handler=index.handler");
    assert_string_equal(s.c.cwd, "/code");
    assert_int_equal(s.c.uid, -1);
    end(&s);
}

static void whose_word_counts(void **state)
{
    struct group_variable own[] = {
        { (char *)"MINE", (char *)"a=b" },
        { (char *)"AWS_CONTAINER_AUTHORIZATION_TOKEN", (char *)"stolen" },
        { (char *)"MY_FUNCTION_ARN", (char *)"another" },
        { (char *)"LANG", (char *)"de_DE" },
        { (char *)"PYTHONPATH", (char *)"lib" },
        { (char *)"LD_LIBRARY_PATH", (char *)"" },
    };
    struct scene s;

    (void)state;
    begin(&s, CONFIG(""), own, ARRAY_LEN(own));
    assert_string_equal(variable(&s.c, "MINE"), "a=b");
    assert_string_equal(variable(&s.c, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), "Basic c2VjcmV0");
    assert_string_equal(variable(&s.c, "MY_FUNCTION_ARN"), ARN);
    assert_string_equal(variable(&s.c, "LANG"), "de_DE");
    assert_string_equal(variable(&s.c, "PYTHONPATH"), "/pkg/runtime/python:lib");
    assert_string_equal(variable(&s.c, "LD_LIBRARY_PATH"), "/pkg/runtime/c");
    end(&s);
}

static void proxies(void **state)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY" };
    struct group_variable own[] = { { (char *)"HTTP_PROXY", (char *)"http://mine" } };
    struct scene s;

    (void)state;
    begin(
        &s,
        CONFIG(",\"networkProxy\":{\"noProxyAddresses\":\"a,b\",\"proxy\":{\"url\":\"http://p.example:3128\","
               "\"username\":\"u\",\"password\":\"w@/\"}}"),
        own, ARRAY_LEN(own));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(variable(&s.c, names[i]),
                            i == 2 ? "http://mine" : "http://u:w%40%2F@p.example:3128");
    assert_string_equal(variable(&s.c, "no_proxy"), "a,b");
    assert_string_equal(variable(&s.c, "NO_PROXY"), "a,b");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(whose_word_counts),
        cmocka_unit_test(proxies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
