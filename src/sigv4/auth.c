#include "base/hex.h"
#include "base/mem.h"
#include "sigv4/canonical.h"

#include <stdarg.h>
#include <stdio.h>

/* What is being read, and the sentence for a client that got it wrong. */
struct parse {
    struct sigv4_auth auth;
    unsigned seen; /* bit per field */
    char *why;
};

__attribute__((format(printf, 2, 3))) static err_t incomplete(struct parse *p, const char *fmt, ...)
{
    va_list ap;

    if (p->why) {
        va_start(ap, fmt);
        (void)vsnprintf(p->why, SIGV4_WHY_MAX, fmt, ap);
        va_end(ap);
    }
    return ERR_INVALID;
}

static bool copy_text(struct slice s, char *out, size_t room)
{
    if (s.n == 0 || s.n >= room)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

/* Up to the next '/'; empty when there is none. */
static struct slice take_part(struct slice *rest)
{
    const uint8_t *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
    struct slice part = slash ? slice_head(*rest, (size_t)(slash - rest->p)) : (struct slice){ 0 };

    *rest = slice_skip(*rest, part.n + 1);
    return part;
}

static bool is_date(const char *s)
{
    return strlen(s) == 8 && strspn(s, "0123456789") == 8;
}

static err_t take_credential(struct parse *p, struct slice v)
{
    struct sigv4_auth *a = &p->auth;

    if (!copy_text(take_part(&v), a->access_key_id, sizeof(a->access_key_id)) ||
        !copy_text(take_part(&v), a->date, sizeof(a->date)) || !is_date(a->date) ||
        !copy_text(take_part(&v), a->region, sizeof(a->region)) ||
        !copy_text(take_part(&v), a->service, sizeof(a->service)) || !slice_eq(v, SLICE_LIT("aws4_request")))
        return incomplete(p, "Credential must be KEY/yyyymmdd/REGION/SERVICE/aws4_request.");
    return ERR_OK;
}

/* Lower case, sorted, no name twice: there is one way to write a set of headers. */
static bool header_list_ok(const char *list)
{
    struct slice before = { 0 };
    struct slice rest = slice_str(list);

    for (size_t count = 1;; count++) {
        const uint8_t *semi = rest.n ? memchr(rest.p, ';', rest.n) : NULL;
        struct slice name = semi ? slice_head(rest, (size_t)(semi - rest.p)) : rest;
        size_t common = before.n < name.n ? before.n : name.n;
        int order = common ? memcmp(before.p, name.p, common) : 0;
        if (name.n == 0 || count > SIGV4_HEADERS_MAX || order > 0 || (order == 0 && before.n >= name.n))
            return false;
        for (size_t i = 0; i < name.n; i++)
            if (name.p[i] >= 'A' && name.p[i] <= 'Z')
                return false;
        if (!semi)
            return true;
        before = name;
        rest = slice_skip(rest, name.n + 1);
    }
}

static err_t take_signed_headers(struct parse *p, struct slice v)
{
    if (!copy_text(v, p->auth.signed_headers, sizeof(p->auth.signed_headers)) ||
        !header_list_ok(p->auth.signed_headers))
        return incomplete(p, "SignedHeaders must be lower-case names in order with ';' between.");
    return ERR_OK;
}

static err_t take_signature(struct parse *p, struct slice v)
{
    if (v.n != 64 || !copy_text(v, p->auth.signature, sizeof(p->auth.signature)) ||
        strspn(p->auth.signature, "0123456789abcdef") != 64)
        return incomplete(p, "Signature must be 64 lower-case hexadecimal digits.");
    return ERR_OK;
}

static err_t take_date(struct parse *p, struct slice v)
{
    int64_t ms;

    if (!copy_text(v, p->auth.amz_date, sizeof(p->auth.amz_date)) || sigv4_date_parse(p->auth.amz_date, &ms))
        return incomplete(p, "X-Amz-Date must be a date such as 20260102T030405Z.");
    return ERR_OK;
}

static err_t take_expires(struct parse *p, struct slice v)
{
    int64_t n = 0;

    if (v.n == 0 || v.n > 6)
        return incomplete(p, "X-Amz-Expires must be 1 to %d seconds.", SIGV4_EXPIRES_MAX);
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return incomplete(p, "X-Amz-Expires must be a number.");
        n = n * 10 + (v.p[i] - '0');
    }
    if (n < 1 || n > SIGV4_EXPIRES_MAX)
        return incomplete(p, "X-Amz-Expires must be 1 to %d seconds.", SIGV4_EXPIRES_MAX);
    p->auth.expires_s = n;
    return ERR_OK;
}

static err_t take_token(struct parse *p, struct slice v)
{
    p->auth.security_token = v;
    return ERR_OK;
}

static err_t take_algorithm(struct parse *p, struct slice v)
{
    return slice_eq(v, SLICE_LIT(SIGV4_ALGORITHM)) ? ERR_OK
                                                   : incomplete(p, "only " SIGV4_ALGORITHM " is supported.");
}

struct field {
    struct slice name;
    bool needed;
    err_t (*take)(struct parse *p, struct slice value);
};

static const struct field header_fields[] = {
    { SLICE_LIT("Credential"), true, take_credential },
    { SLICE_LIT("SignedHeaders"), true, take_signed_headers },
    { SLICE_LIT("Signature"), true, take_signature },
};

static const struct field query_fields[] = {
    { SLICE_LIT("X-Amz-Algorithm"), true, take_algorithm },
    { SLICE_LIT("X-Amz-Credential"), true, take_credential },
    { SLICE_LIT("X-Amz-Date"), true, take_date },
    { SLICE_LIT("X-Amz-SignedHeaders"), true, take_signed_headers },
    { SLICE_LIT("X-Amz-Signature"), true, take_signature },
    { SLICE_LIT("X-Amz-Expires"), false, take_expires },
    { SLICE_LIT("X-Amz-Security-Token"), false, take_token },
};

static err_t take_field(struct parse *p, const struct field *fields, size_t count, struct slice name,
                        struct slice value, bool *ret_known)
{
    for (unsigned i = 0; i < count; i++) {
        if (!slice_eq(name, fields[i].name))
            continue;
        *ret_known = true;
        if (p->seen & (1U << i))
            return incomplete(p, "%.*s is given twice.", SLICE_FMT(name));
        p->seen |= 1U << i;
        return fields[i].take(p, value);
    }
    *ret_known = false;
    return ERR_OK;
}

static err_t check_needed(struct parse *p, const struct field *fields, size_t count, const char *where)
{
    for (unsigned i = 0; i < count; i++)
        if (fields[i].needed && !(p->seen & (1U << i)))
            return incomplete(p, "%s requires '%.*s'.", where, SLICE_FMT(fields[i].name));
    return ERR_OK;
}

static struct slice trim(struct slice s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t'))
        s = slice_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* --- Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=... ------------- */

static err_t parse_header_fields(struct parse *p, struct slice rest)
{
    bool known;

    while ((rest = trim(rest)).n) {
        const uint8_t *comma = memchr(rest.p, ',', rest.n);
        struct slice part = comma ? slice_head(rest, (size_t)(comma - rest.p)) : rest;
        const uint8_t *eq = part.n ? memchr(part.p, '=', part.n) : NULL;
        if (!eq)
            return incomplete(p, "Authorization header has a part without '='.");
        struct slice name = slice_head(part, (size_t)(eq - part.p));
        err_t e = take_field(p, header_fields, ARRAY_LEN(header_fields), trim(name),
                             trim(slice_skip(part, name.n + 1)), &known);
        if (e)
            return e;
        if (!known)
            return incomplete(p, "Authorization header has an unknown part.");
        rest = slice_skip(rest, part.n + 1);
    }
    return check_needed(p, header_fields, ARRAY_LEN(header_fields), "Authorization header");
}

static err_t parse_header(struct parse *p, const struct sigv4_request *req, struct slice value)
{
    struct slice algorithm = SLICE_LIT(SIGV4_ALGORITHM " ");
    size_t count;

    p->auth.form = SIGV4_IN_HEADER;
    value = trim(value);
    if (!slice_starts(value, algorithm))
        return incomplete(p, "Authorization header must begin with '" SIGV4_ALGORITHM "'.");
    err_t e = parse_header_fields(p, slice_skip(value, algorithm.n));
    if (e)
        return e;
    struct slice date = sigv4_header_find(req, SLICE_LIT("x-amz-date"), &count);
    if (count != 1)
        return incomplete(p, "Authorization header requires one 'X-Amz-Date' header.");
    p->auth.security_token = trim(sigv4_header_find(req, SLICE_LIT("x-amz-security-token"), &count));
    return take_date(p, trim(date));
}

/* --- ?X-Amz-Algorithm=...&X-Amz-Credential=... ---------------------------------------------------- */

static err_t unescape(struct slice in, struct buf *out)
{
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < in.n; i++) {
        if (in.p[i] != '%') {
            e = buf_add_u8(out, in.p[i]);
            continue;
        }
        if (i + 2 >= in.n)
            return ERR_INVALID;
        e = hex_decode(out, slice_of(in.p + i + 1, 2));
        i += 2;
    }
    return e;
}

static err_t parse_param(struct parse *p, const struct sigv4_param *param)
{
    autobuf text = BUF_INIT(SIGV4_SIGNED_MAX);
    bool known, raw = slice_eq(param->name, SLICE_LIT("X-Amz-Security-Token"));

    if (!slice_starts(param->name, SLICE_LIT("X-Amz-")))
        return ERR_OK;
    if (!raw && unescape(param->value, &text))
        return incomplete(p, "a query parameter X-Amz-... is too long or badly escaped.");
    return take_field(p, query_fields, ARRAY_LEN(query_fields), param->name,
                      raw ? param->value : buf_slice(&text), &known);
}

static err_t parse_query(struct parse *p, const struct sigv4_request *req)
{
    struct slice rest = req->query;
    struct sigv4_param param;
    err_t e = ERR_OK;

    p->auth.form = SIGV4_IN_QUERY;
    while (!e && sigv4_param_next(&rest, &param))
        e = parse_param(p, &param);
    return e ? e : check_needed(p, query_fields, ARRAY_LEN(query_fields), "AWS query-string authentication");
}

static bool query_has_signature(struct slice query)
{
    struct sigv4_param param;

    while (sigv4_param_next(&query, &param))
        if (slice_eq(param.name, SLICE_LIT("X-Amz-Signature")) ||
            slice_eq(param.name, SLICE_LIT("X-Amz-Algorithm")))
            return true;
    return false;
}

err_t sigv4_auth_parse(const struct sigv4_request *req, struct sigv4_auth *ret, char *why)
{
    struct parse p = { .why = why };
    bool in_query = query_has_signature(req->query);
    size_t count;
    struct slice value = sigv4_header_find(req, SLICE_LIT("authorization"), &count);
    err_t e;

    if (count == 0 && !in_query) {
        (void)incomplete(&p, "Missing Authentication Token");
        return ERR_NOT_FOUND;
    }
    if (count > 1 || (count && in_query))
        e = incomplete(&p, "more than one signature was given.");
    else
        e = count ? parse_header(&p, req, value) : parse_query(&p, req);
    if (!e)
        *ret = p.auth;
    return e;
}
