/* sedgectl enrol by claim: fleet provisioning (iot-core reference 2.6). */
#include "cli/enrol.h"

#include <stdio.h>
#include <string.h>

#define FROM_CSR "$aws/certificates/create-from-csr"
#define TOKEN "certificateOwnershipToken"

static err_t refused(struct enrol *o, const char *what, const json_t *answer)
{
    const char *code = json_get_str(answer, "errorCode"), *text = json_get_str(answer, "errorMessage");

    return ENROL_FAIL(o, ERR_DENIED, "%s was refused: %.100s: %.600s", what, code ? code : "?",
                      text ? text : "?");
}

/* A certificate for the token's key, pending; its token and itself are kept before anything else. */
static err_t get_certificate(struct enrol *o, struct enrol_mqtt *m, json_t **ret)
{
    autobuf csr = BUF_INIT(CRYPTO_CERT_MAX);
    struct crypto_error why = { .text = "" };
    auto_json *message = NULL, *answer = NULL;
    const char *pem;
    bool accepted;
    err_t e = crypto_csr_make(o->crypto, o->key, "AWS IoT Certificate", &csr, &why);

    if (e)
        return ENROL_FAIL(o, e, "no signing request: %.800s", why.text);
    if (!(message = json_pack("{s:s}", "certificateSigningRequest", buf_str(&csr))))
        return ERR_NOMEM;
    if ((e = enrol_mqtt_ask(m, FROM_CSR, message, &accepted, &answer)))
        return e;
    if (!accepted)
        return refused(o, "the signing request", answer);
    if (!(pem = json_get_str(answer, "certificatePem")) || !json_get_str(answer, TOKEN))
        return ENROL_FAIL(o, ERR_PROTO, "the cloud's answer has no certificatePem and " TOKEN);
    if ((e = enrol_take_certificate(o, slice_str(pem), "the cloud's answer")) ||
        (e = enrol_state_write(o, answer)))
        return e;
    (void)printf("certificate %s issued, not active yet\n", o->hash);
    *ret = steal(&answer);
    return ERR_OK;
}

static err_t parameters(const struct enrol *o, json_t **ret)
{
    auto_json *all = json_object();

    for (size_t i = 0; all && i < o->n_parameters; i++) {
        const char *eq = strchr(o->parameters[i], '=');
        autofree char *name = mem_str(slice_of(o->parameters[i], (size_t)(eq - o->parameters[i])));
        if (!name || json_object_set_new(all, name, json_string(eq + 1)) != 0)
            return ERR_NOMEM;
    }
    *ret = steal(&all);
    return *ret ? ERR_OK : ERR_NOMEM;
}

/* *ret_stale: the token is not good any more. */
static err_t provision(struct enrol *o, struct enrol_mqtt *m, json_t *state, bool *ret_stale)
{
    autofree char *topic = mem_printf("$aws/provisioning-templates/%s/provision", o->template);
    auto_json *message = NULL, *answer = NULL, *values = NULL;
    const char *code, *thing;
    bool accepted;
    err_t e = topic ? parameters(o, &values) : ERR_NOMEM;

    if (e)
        return e;
    if (!(message = json_pack("{s:s,s:O}", TOKEN, json_get_str(state, TOKEN), "parameters", values)))
        return ERR_NOMEM;
    if ((e = enrol_mqtt_ask(m, topic, message, &accepted, &answer)))
        return e;
    code = json_get_str(answer, "errorCode");
    *ret_stale = !accepted && code && strcmp(code, "InvalidCertificateOwnershipToken") == 0;
    if (!accepted)
        return refused(o, "provisioning", answer);
    if (!(thing = json_get_str(answer, "thingName")))
        return ENROL_FAIL(o, ERR_PROTO, "the template %s makes no thing", o->template);
    if (json_object_set_new(state, "thingName", json_string(thing)) != 0 ||
        !(o->thing_name = mem_strdup(thing)))
        return ERR_NOMEM;
    (void)printf("provisioned as thing %s\n", thing);
    return enrol_state_write(o, state);
}

static err_t certify(struct enrol *o, struct enrol_mqtt *m, json_t **state, bool *ret_stale)
{
    bool again = *state != NULL;
    err_t e;

    *ret_stale = false;
    if (!again && (e = get_certificate(o, m, state)))
        return e;
    e = provision(o, m, *state, ret_stale);
    *ret_stale &= again; /* a fresh token that is refused is no token of yesterday */
    return e;
}

err_t enrol_by_claim(struct enrol *o)
{
    auto_json *state = NULL;
    struct enrol_mqtt *m = NULL;
    bool stale;
    err_t e = enrol_state_read(o, &state);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if (state && json_get_str(state, "thingName"))
        return (o->thing_name = mem_strdup(json_get_str(state, "thingName"))) ? ERR_OK : ERR_NOMEM;
    if ((e = enrol_mqtt_open(o, &m)))
        return e;
    e = certify(o, m, &state, &stale);
    if (e && stale) {
        (void)printf(
            "the certificate of an earlier attempt can no longer be provisioned; asking for another\n");
        json_decref(state);
        state = NULL;
        o->why[0] = 0;
        if (!(e = enrol_state_drop(o)))
            e = certify(o, m, &state, &stale);
    }
    enrol_mqtt_close(m);
    return e;
}
