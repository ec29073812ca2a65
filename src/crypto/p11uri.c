#include "crypto/p11uri.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* RFC 7512 §2.3 pk11-res-avail, and what pk11-pchar and pk11-qchar add to unreserved characters. */
static bool allowed(uint8_t c, bool in_query)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    if (c == 0)
        return false;
    return strchr(in_query ? "-._~:[]@!$'()*+,=/?|" : "-._~:[]@!$'()*+,=&", c) != NULL;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo %XX into out (room bytes). ERR_INVALID: a character that should have been escaped, half an escape. */
static err_t unescape(struct slice in, bool in_query, uint8_t *out, size_t room, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        if (c == '%') {
            int hi = i + 1 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int lo = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return ERR_INVALID;
            c = (uint8_t)(hi << 4 | lo);
            i += 2;
        } else if (!allowed(c, in_query)) {
            return ERR_INVALID;
        }
        if (n == room)
            return ERR_TOO_BIG;
        out[n++] = c;
    }
    *ret_n = n;
    return ERR_OK;
}

struct attr {
    struct slice name, value;
    bool in_query;
};

/* What we are building, and what an error or a warning should talk about. */
struct parse {
    struct crypto_p11uri uri;
    unsigned seen; /* bit per entry of `known` */
    struct crypto_error *why;
};

static err_t fail_attr(struct parse *p, err_t e, const struct attr *a, const char *what)
{
    /* The value is not shown: it may be a PIN. */
    return crypto_fail(p->why, e, "pkcs11: URI: attribute \"%.*s\" %s", SLICE_FMT(slice_head(a->name, 40)),
                       what);
}

static err_t text_value(struct parse *p, const struct attr *a, char *out, size_t room)
{
    uint8_t raw[CRYPTO_P11_VALUE_MAX];
    size_t n = 0;
    err_t e = unescape(a->value, a->in_query, raw, room - 1, &n);

    if (e == ERR_TOO_BIG)
        e = fail_attr(p, e, a, "is too long");
    else if (e)
        e = fail_attr(p, e, a, "has a character that must be written as %XX, or a broken %XX");
    else if (n == 0)
        e = fail_attr(p, ERR_INVALID, a, "is empty");
    else if (!utf8_valid_no_nul(slice_of(raw, n)))
        e = fail_attr(p, ERR_INVALID, a, "is not UTF-8 text");
    if (!e) {
        memcpy(out, raw, n);
        out[n] = 0;
    }
    mem_wipe(raw, sizeof(raw));
    return e;
}

static err_t take_object(struct parse *p, const struct attr *a)
{
    return text_value(p, a, p->uri.object, sizeof(p->uri.object));
}

static err_t take_token(struct parse *p, const struct attr *a)
{
    return text_value(p, a, p->uri.token, sizeof(p->uri.token));
}

static err_t take_pin(struct parse *p, const struct attr *a)
{
    return text_value(p, a, p->uri.pin, sizeof(p->uri.pin));
}

static err_t take_type(struct parse *p, const struct attr *a)
{
    if (!slice_eq(a->value, SLICE_LIT("private")))
        return fail_attr(p, ERR_INVALID, a, "must be \"private\": a private key is wanted here");
    p->uri.has_type = true;
    return ERR_OK;
}

static err_t take_id(struct parse *p, const struct attr *a)
{
    err_t e = unescape(a->value, a->in_query, p->uri.id, sizeof(p->uri.id), &p->uri.id_len);
    return e ? fail_attr(p, e, a, "is too long or has a broken %XX") : ERR_OK;
}

static err_t take_module(struct parse *p, const struct attr *a)
{
    return text_value(p, a, p->uri.module_path, sizeof(p->uri.module_path));
}

static err_t take_pin_source(struct parse *p, const struct attr *a)
{
    return text_value(p, a, p->uri.pin_source, sizeof(p->uri.pin_source));
}

static const struct {
    struct slice name;
    bool path, query; /* where RFC 7512 has it, or libp11's users put it */
    err_t (*take)(struct parse *p, const struct attr *a);
} known[] = {
    { SLICE_LIT("object"), true, false, take_object },
    { SLICE_LIT("token"), true, false, take_token },
    { SLICE_LIT("type"), true, false, take_type },
    { SLICE_LIT("id"), true, false, take_id },
    { SLICE_LIT("pin-value"), true, true, take_pin },
    { SLICE_LIT("module-path"), false, true, take_module },
    { SLICE_LIT("pin-source"), false, true, take_pin_source },
};

static void warn_ignored(struct crypto_error *why, struct slice name)
{
    size_t used;

    if (!why)
        return;
    used = strlen(why->warning);
    (void)snprintf(why->warning + used, CRYPTO_WARNING_MAX - used, "%s%.*s",
                   used ? ", " : "pkcs11: URI: ignored ", SLICE_FMT(slice_head(name, 40)));
}

void crypto_p11uri_warn_place(const struct crypto_p11uri *u, struct crypto_error *why)
{
    if (u->module_path[0])
        warn_ignored(why, SLICE_LIT("module-path"));
    if (u->pin_source[0])
        warn_ignored(why, SLICE_LIT("pin-source"));
}

static bool name_ok(struct slice name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] | 0x20) >= 'a' && (name.p[i] | 0x20) <= 'z') && name.p[i] != '-' &&
            name.p[i] != '_' && !(name.p[i] >= '0' && name.p[i] <= '9'))
            return false;
    return name.n > 0;
}

static err_t take_attr(struct parse *p, struct slice text, bool in_query)
{
    const uint8_t *eq = text.n ? memchr(text.p, '=', text.n) : NULL;

    if (!eq)
        return crypto_fail(p->why, ERR_INVALID, "pkcs11: URI: an attribute without '='");
    struct attr a = { slice_head(text, (size_t)(eq - text.p)), { 0 }, in_query };
    a.value = slice_skip(text, a.name.n + 1);
    if (!name_ok(a.name))
        return crypto_fail(p->why, ERR_INVALID, "pkcs11: URI: an attribute's name is empty or not a name");
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (!slice_eq(a.name, known[i].name) || !(in_query ? known[i].query : known[i].path))
            continue;
        if (p->seen & (1U << i)) /* §2.3: at most once in a URI */
            return fail_attr(p, ERR_INVALID, &a, "is given twice");
        p->seen |= 1U << i;
        return known[i].take(p, &a);
    }
    warn_ignored(p->why, a.name);
    return ERR_OK;
}

static err_t take_all(struct parse *p, struct slice part, uint8_t separator, bool in_query)
{
    while (part.n) {
        const uint8_t *end = memchr(part.p, separator, part.n);
        struct slice one = end ? slice_head(part, (size_t)(end - part.p)) : part;
        err_t e = take_attr(p, one, in_query);
        if (e)
            return e;
        if (end && one.n + 1 == part.n)
            return crypto_fail(p->why, ERR_INVALID, "pkcs11: URI: ends with '%c'", separator);
        part = slice_skip(part, one.n + 1);
    }
    return ERR_OK;
}

bool crypto_p11uri_is(struct slice uri)
{
    return uri.n >= 7 && strncasecmp((const char *)uri.p, "pkcs11:", 7) == 0;
}

static err_t parse_parts(struct parse *p, struct slice uri)
{
    if (!crypto_p11uri_is(uri))
        return crypto_fail(p->why, ERR_INVALID, "not a pkcs11: URI");
    struct slice rest = slice_skip(uri, 7);
    const uint8_t *mark = rest.n ? memchr(rest.p, '?', rest.n) : NULL;
    struct slice path = mark ? slice_head(rest, (size_t)(mark - rest.p)) : rest;
    err_t e = take_all(p, path, ';', false);
    if (!e && mark)
        e = take_all(p, slice_skip(rest, path.n + 1), '&', true);
    if (!e && !p->uri.object[0])
        e = crypto_fail(p->why, ERR_INVALID,
                        "pkcs11: URI: no object=LABEL; write it as pkcs11:object=LABEL;type=private");
    return e;
}

err_t crypto_p11uri_parse(struct slice uri, struct crypto_p11uri *ret, struct crypto_error *why)
{
    struct parse p = { .why = why };

    if (why)
        why->warning[0] = 0;
    err_t e = parse_parts(&p, uri);
    if (!e)
        *ret = p.uri;
    crypto_p11uri_done(&p.uri);
    return e;
}

void crypto_p11uri_done(struct crypto_p11uri *u)
{
    mem_wipe(u, sizeof(*u));
}
