#include "cloud/provisioning/fleet_message.h"

#include "base/cbor.h"
#include "base/mem.h"

#include <stdio.h>

#define DEPTH_MAX 4u
#define ITEMS_MAX 1024u

static err_t read_cbor(struct slice payload, json_t **ret, char why[FLEET_WHY_MAX])
{
    static const struct cbor_limits limits = { DEPTH_MAX, ITEMS_MAX };
    err_t e = cbor_to_json(payload, &limits, ret);

    if (!e || e == ERR_NOMEM)
        return e;
    (void)snprintf(why, FLEET_WHY_MAX, "the payload is not CBOR of maps with text keys: %s",
                   e == ERR_UNSUPPORTED ? "it has values that JSON could not have"
                   : e == ERR_TOO_BIG   ? "it is nested too deeply or has too many items"
                                        : "it is not well formed");
    return ERR_INVALID;
}

static err_t read_json(struct slice payload, json_t **ret, char why[FLEET_WHY_MAX])
{
    struct json_where at;
    err_t e = json_parse(payload, DEPTH_MAX, ret, &at);

    if (e == ERR_INVALID)
        (void)snprintf(why, FLEET_WHY_MAX, "the payload is not JSON: line %d, column %d: %s", at.line,
                       at.column, at.text);
    return e;
}

err_t fleet_request_read(struct slice payload, bool cbor, json_t **ret, char why[FLEET_WHY_MAX])
{
    auto_json *j = NULL;
    err_t e = ERR_OK;

    if (payload.n == 0)
        j = json_object();
    else
        e = cbor ? read_cbor(payload, &j, why) : read_json(payload, &j, why);
    if (e)
        return e;
    if (!j)
        return ERR_NOMEM;
    if (!json_is_object(j)) {
        (void)snprintf(why, FLEET_WHY_MAX, "the payload must be a map");
        return ERR_INVALID;
    }
    *ret = steal(&j);
    return ERR_OK;
}

static err_t write_cbor(struct buf *out, const json_t *members, struct slice private_pem)
{
    struct writer w = writer_of(out);
    const char *key;
    json_t *v;
    err_t e;

    cbor_put_map(&w, json_object_size(members) + (private_pem.n ? 1 : 0));
    json_object_foreach((json_t *)(uintptr_t)members, key, v)
    {
        cbor_put_text(&w, slice_str(key));
        if ((e = writer_done(&w)) || (e = cbor_write(out, v)))
            return e;
    }
    if (private_pem.n) {
        cbor_put_text(&w, SLICE_LIT("privateKey"));
        cbor_put_text(&w, private_pem);
    }
    return writer_done(&w);
}

/* PEM has no other character that JSON would escape. */
static void put_pem(struct writer *w, struct slice pem)
{
    for (size_t i = 0; i < pem.n; i++) {
        if (pem.p[i] == '\n')
            writer_str(w, "\\n");
        else
            writer_u8(w, pem.p[i]);
    }
}

static err_t write_json(struct buf *out, const json_t *members, struct slice private_pem)
{
    struct writer w = writer_of(out);
    err_t e = json_write(out, members, 0);

    if (e || !private_pem.n)
        return e;
    buf_cut(out, out->n - 1); /* the brace */
    writer_str(&w, json_object_size(members) ? ",\"privateKey\":\"" : "\"privateKey\":\"");
    put_pem(&w, private_pem);
    writer_str(&w, "\"}");
    return writer_done(&w);
}

err_t fleet_answer_write(struct buf *out, bool cbor, const json_t *members, struct slice private_pem)
{
    return cbor ? write_cbor(out, members, private_pem) : write_json(out, members, private_pem);
}
