/* src/cloud/registry/domains.h - what others ask about domain configurations: which one a name in a TLS
 * handshake has, and whom it lets in. On the database thread. Spec: docs/spec/cloud.md CL-160..164.
 */
#pragma once
#include "cloud/api/call.h"

#define DOMAIN_WHY_MAX 256u

/* How somebody comes. */
enum domain_way {
    DOMAIN_MQTT_CERT,
    DOMAIN_HTTPS_CERT,
    DOMAIN_MQTT_AUTHORIZER,
    DOMAIN_HTTP_AUTHORIZER, /* a WebSocket, or HTTPS */
};

struct domain {
    char name[129];       /* "": the name has no configuration, and everybody may come by it */
    char authorizer[129]; /* its default one; "": none */
    bool enabled, may_override;
    char authentication[20], protocol[16]; /* "DEFAULT": any */
};

/* The configuration (serviceType DATA) of a server name, with its domain in full or as "*.REST". The
 * installation's own name has none. */
err_t domain_of(struct db *db, const struct cloud_env *env, const char *server_name, struct domain *ret);
/* Otherwise `why` names the configuration and what to change. Pure. */
bool domain_admits(const struct domain *d, enum domain_way way, char why[DOMAIN_WHY_MAX]);
/* The authorizer that is to be asked: `wanted` (NULL: none was named), or the domain's. NULL: there is none
 * to choose by the domain. False: the domain does not allow that one. Pure. */
bool domain_authorizer(const struct domain *d, const char *wanted, const char **ret,
                       char why[DOMAIN_WHY_MAX]);

/* How many configurations of that service have exactly this domain? */
err_t domain_count(struct db *db, const char *domain, const char *service, int64_t *ret);

/* Is this authorizer the default one of a domain configuration? */
err_t domains_use_authorizer(struct api_call *c, const char *authorizer, bool *ret);
