/* function-sdk/c/settings.c - gg_global_init. */
#include "settings.h"

#include "arn.h"
#include "base/slice.h"
#include "stop.h"

#include <limits.h>

#define USUAL_PORT "8000"

static struct settings the_settings;

const struct settings *settings_get(void)
{
    return &the_settings;
}

static bool printable(const char *s)
{
    if (!s || !*s)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
            return false;
    return true;
}

/* A function that the core has; NULL: it did not say, or what it said is no ARN. */
static const char *known_function(const char *variable)
{
    const char *arn = getenv(variable);
    return arn && arn_valid(arn) ? arn : NULL;
}

static int port_number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return *end || end == text || n < 1 || n > 65535 ? 0 : (int)n;
}

gg_error gg_global_init(uint32_t opt)
{
    const char *port = getenv("GG_DAEMON_PORT");
    struct settings s = { .ready = true,
                          .port = port_number(port ? port : USUAL_PORT),
                          .token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                          .function_arn = known_function("MY_FUNCTION_ARN"),
                          .shadow_arn = known_function("SHADOW_FUNCTION_ARN"),
                          .router_arn = known_function("ROUTER_FUNCTION_ARN"),
                          .secrets_arn = known_function("SECRETS_MANAGER_FUNCTION_ARN") };
    if (opt != 0)
        return GGE_INVALID_PARAMETER;
    if (the_settings.ready)
        return GGE_SUCCESS;
    if (!s.port || !s.function_arn || !printable(s.token)) {
        (void)gg_log(GG_LOG_FATAL,
                     "gg_global_init: this program is started by the Greengrass core: GG_DAEMON_PORT, "
                     "MY_FUNCTION_ARN or AWS_CONTAINER_AUTHORIZATION_TOKEN is missing or malformed");
        return GGE_INVALID_STATE;
    }
    if (!stop_init())
        return GGE_INTERNAL_FAILURE;
    the_settings = s;
    return GGE_SUCCESS;
}
