/* src/edge/keyref.c */
#include "edge/keyref.h"

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/p11uri.h"
#include "http/uri.h"

#define URI_MAX 4096

void keyref_done(struct keyref *k)
{
    free(k->uri);
    free(k->label);
    free(k->token);
    free(k->warning);
    secret_free(k->pin);
    *k = (struct keyref){ 0 };
}

err_t keyref_file_path(const char *text, const char *where, char **ret_path, struct problem *why)
{
    struct slice s = slice_str(text);
    autobuf path = BUF_INIT(URI_MAX);

    if (!slice_starts(s, SLICE_LIT("file://")))
        return problem_set(
            why, ERR_INVALID,
            "config.json: %s must be a file URI such as file:///greengrass/certs/NAME (ErrUnknownURIScheme)",
            where);
    s = slice_skip(s, 7);
    if (slice_starts(s, SLICE_LIT("localhost/")))
        s = slice_skip(s, 9);
    if (s.n == 0 || s.p[0] != '/')
        return problem_set(
            why, ERR_INVALID,
            "config.json: %s must hold an absolute path: three slashes, as in file:///greengrass/certs/NAME",
            where);
    if (http_percent_decode(&path, s, false))
        return problem_set(why, ERR_INVALID, "config.json: %s has a bad percent escape or is too long",
                           where);
    *ret_path = buf_steal_str(&path);
    return *ret_path ? ERR_OK : ERR_NOMEM;
}

/* Hand a whole keyref over, or free a half-built one. */
static err_t finish(struct keyref *k, bool whole, struct keyref *ret)
{
    if (!whole) {
        keyref_done(k);
        return ERR_NOMEM;
    }
    *ret = *k;
    return ERR_OK;
}

err_t keyref_from_path(const char *path, struct keyref *ret)
{
    struct keyref k = { .kind = KEYREF_FILE,
                        .label = mem_strdup(path),
                        .uri = mem_printf("file://%s", path) };

    return finish(&k, k.label && k.uri, ret);
}

static err_t parse_file(const char *text, const char *where, struct keyref *ret, struct problem *why)
{
    autofree char *path = NULL;
    err_t e = keyref_file_path(text, where, &path, why);

    return e ? e : keyref_from_path(path, ret);
}

static err_t copy_token(const struct crypto_p11uri *u, const char *text, const char *warning,
                        struct keyref *ret)
{
    struct keyref k = { .kind = KEYREF_TOKEN, .uri = mem_strdup(text), .label = mem_strdup(u->object) };
    bool whole = k.uri && k.label;

    if (u->token[0])
        whole = (k.token = mem_strdup(u->token)) != NULL && whole;
    if (warning[0])
        whole = (k.warning = mem_strdup(warning)) != NULL && whole;
    if (u->pin[0])
        whole = secret_new(slice_str(u->pin), &k.pin) == ERR_OK && whole;
    return finish(&k, whole, ret);
}

static err_t parse_token(const char *text, const char *where, struct keyref *ret, struct problem *why)
{
    struct crypto_p11uri u;
    struct crypto_error ce = { 0 };
    err_t e = crypto_p11uri_parse(slice_str(text), &u, &ce);

    if (e)
        return problem_set(why, ERR_INVALID,
                           "config.json: %s: %s; write pkcs11:object=LABEL;type=private, LABEL being the "
                           "key's label in the token",
                           where, ce.text);
    crypto_p11uri_warn_place(&u, &ce);
    e = copy_token(&u, text, ce.warning, ret);
    crypto_p11uri_done(&u);
    return e;
}

err_t keyref_parse(const char *text, const char *where, struct keyref *ret, struct problem *why)
{
    if (slice_starts(slice_str(text), SLICE_LIT("file:")))
        return parse_file(text, where, ret, why);
    if (slice_starts(slice_str(text), SLICE_LIT("pkcs11:")))
        return parse_token(text, where, ret, why);
    return problem_set(why, ERR_INVALID,
                       "config.json: %s has neither the scheme file: nor pkcs11: (ErrUnknownURIScheme)",
                       where);
}
