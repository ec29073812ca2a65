#include "secrets.h"

#include "base/mem.h"
#include "vse/policy.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 8 };

static void keep(struct secrets *s, struct slice value)
{
    struct buf *b = &s->values[s->n];

    if (value.n < PIECE || s->n == ARRAY_LEN(s->values))
        return;
    *b = (struct buf){ .p = malloc(value.n), .n = value.n };
    if (!b->p)
        return;
    memcpy(b->p, value.p, value.n);
    s->n++;
}

static bool has_piece(struct slice where, struct slice secret)
{
    uint8_t reversed[PIECE];

    if (where.n < PIECE)
        return false;
    for (size_t at = 0; at + PIECE <= secret.n; at++) {
        if (memcmp(secret.p + at, secret.p + at + 1, PIECE - 1) == 0)
            continue; /* one byte repeated, as in an unknown platform key of zeros, says nothing */
        for (size_t i = 0; i < PIECE; i++)
            reversed[i] = secret.p[at + PIECE - 1 - i];
        if (memmem(where.p, where.n, secret.p + at, PIECE) || memmem(where.p, where.n, reversed, PIECE))
            return true;
    }
    return false;
}

static bool known(const struct secrets *s, struct slice value)
{
    for (size_t i = 0; i < s->n; i++)
        if (slice_eq(value, slice_of(s->values[i].p, s->values[i].n)))
            return true;
    return false;
}

/* The parts of an object that nobody may read. */
static void take_object(struct secrets *s, const struct vse_object *o)
{
    static const unsigned rsa[] = { VSE_RSA_P, VSE_RSA_Q, VSE_RSA_DP, VSE_RSA_DQ, VSE_RSA_QINV, VSE_RSA_D };
    struct vse_policy_who nobody = { 0 };

    if (vse_object_is_rsa(o)) {
        for (size_t i = 0; i < ARRAY_LEN(rsa); i++)
            keep(s, vse_object_part(o, rsa[i]));
        return;
    }
    if (o->type == SE_TYPE_BINARY &&
        (o->policy.n == 0 || vse_policy_gives(buf_slice(&o->policy), SE_POLICY_READ, &nobody)))
        return;
    if (o->type != SE_TYPE_COUNTER && o->type != SE_TYPE_PCR && o->type != SE_TYPE_EC_PUBLIC)
        keep(s, vse_object_part(o, VSE_DATA)); /* EC: the private part has the same place */
}

void secrets_take(struct secrets *s, const struct vse_applet *a)
{
    *s = (struct secrets){ 0 };
    for (size_t i = 0; i < a->objects.n; i++)
        take_object(s, a->objects.v[i]);
    for (size_t i = 0; i < VSE_HIDDEN_END; i++)
        if (i == VSE_HIDDEN_CA_KEY || i == VSE_HIDDEN_EXPORT_KEY)
            keep(s, buf_slice(&a->hidden.kept[i]));
    keep(s, SLICE_ARRAY(a->settings.scp_keys.enc));
    keep(s, SLICE_ARRAY(a->settings.scp_keys.mac));
    keep(s, SLICE_ARRAY(a->settings.scp_keys.dek));
}

void secrets_take_made(struct secrets *s, const struct vse_applet *a)
{
    for (size_t i = 0; i < a->objects.n; i++) {
        const struct vse_object *o = a->objects.v[i];
        bool key = vse_object_is_ec(o) || vse_object_is_rsa(o);

        if (key && o->origin == VSE_ORIGIN_INTERNAL && !known(s, vse_object_part(o, VSE_EC_PRIVATE)))
            take_object(s, o);
    }
}

bool secrets_in(const struct secrets *s, struct slice answer)
{
    for (size_t i = 0; i < s->n; i++)
        if (has_piece(answer, slice_of(s->values[i].p, s->values[i].n)))
            return true;
    return false;
}

void secrets_spoil(struct secrets *s, struct slice said)
{
    for (size_t i = 0; i < s->n;) {
        if (has_piece(said, slice_of(s->values[i].p, s->values[i].n))) {
            free(s->values[i].p);
            s->values[i] = s->values[--s->n];
        } else {
            i++;
        }
    }
}

void secrets_done(struct secrets *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->values[i].p);
    s->n = 0;
}
