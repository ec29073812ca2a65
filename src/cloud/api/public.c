#include "cloud/api/public.h"

#include "cloud/pki/pki.h"

err_t public_root(struct api_call *c)
{
    c->content_type = "application/x-pem-file";
    return buf_add(&c->text, pki_root_pem(c->env->pki));
}

err_t public_endpoints(struct api_call *c)
{
    return api_reply(c, json_pack("{s:i,s:s,s:i,s:i,s:s,s:s}", "v", 1, "host", c->env->host, "mqttPort",
                                  (int)c->env->mqtt_port, "httpsPort", (int)c->env->https_port, "region",
                                  c->env->region, "accountId", c->env->account));
}
