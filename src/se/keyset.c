#include "se/keyset.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "se/conf.h"
#include "se/detail.h"
#include "se/private_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FILE_MAX = 4096, HEX_LEN = 2 * SE_AES_KEY, KEY_NAME_LEN = 3 };

/* ---- published ---- */

/* clang-format off */
static const struct {
    const char *name, *enc, *mac, *dek;
} published[] = { /* NXP AN12436; the short name is what follows the dash */
    { "se050-a1f4", "35C256458958A34F6136155F8209D6CD", "AF177D5DBDF7C0D5C10A05B9F1607F78",
      "A1BC8438BF77935B361A4425FE79FA29" },
    { "se050e-a921", "D2DB63E7A0A5AED72A6460C4DFDCAF64", "738D5B798ED241B0B24768514BFBA95B", NULL },
    { "se050c1-a200", "852B5962E9CCE5D0BE746B833BCC6287", "DB0AA319A408696C8E107AB4E3C26B47", NULL },
    { "se050c2-a201", "BD1DE20A81EAB2BF3B709A9D69A31254", "9A761B8DBA6BEDF22741E45D8D4236F5", NULL },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(published) <= SE_KEYSETS_MAX, "room for every published set");

static bool get_key(struct slice hex, uint8_t ret[SE_AES_KEY])
{
    autobuf key = BUF_SECRET(SE_AES_KEY);

    if (hex.n != HEX_LEN || hex_decode(&key, hex))
        return false;
    memcpy(ret, key.p, SE_AES_KEY);
    return true;
}

static err_t add_published(size_t i, struct se_keysets *k)
{
    struct se_keyset *set = &k->set[k->n];

    *set = (struct se_keyset){ .has_dek = published[i].dek != NULL };
    if (!get_key(slice_str(published[i].enc), set->enc) || !get_key(slice_str(published[i].mac), set->mac) ||
        (set->has_dek && !get_key(slice_str(published[i].dek), set->dek)))
        return se_fail(ERR_NOMEM, "out of memory"); /* the table is right: memory is all that can fail */
    (void)snprintf(k->name[k->n++], SE_CHANNEL_KEYS_MAX, "%s", published[i].name);
    k->published = true;
    return ERR_OK;
}

static err_t find_published(const char *name, struct se_keysets *k)
{
    bool all = strcasecmp(name, "auto") == 0;
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(published) && !e; i++) {
        const char *shorter = strchr(published[i].name, '-') + 1;

        if (all || strcasecmp(published[i].name, name) == 0 || strcasecmp(shorter, name) == 0)
            e = add_published(i, k);
    }
    if (!e && k->n == 0)
        return se_fail(
            ERR_INVALID,
            "scp03 \"%.60s\": expected none, auto, the name of a published key set (se050-a1f4, se050e-a921, "
            "se050c1-a200, se050c2-a201), an absolute path of a key file, or credential:NAME",
            name);
    return e;
}

/* ---- key files ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice s)
{
    while (s.n && is_blank(s.p[0]))
        s = slice_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

static struct slice next_line(struct slice *rest)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct slice line = slice_head(*rest, end ? (size_t)(end - rest->p) : rest->n);

    *rest = slice_skip(*rest, line.n + (end != NULL));
    return trim(line);
}

enum { SEEN_ENC = 1, SEEN_MAC = 2, SEEN_DEK = 4 };

/* seen: one bit for each name that came. */
static bool take_line(struct slice line, struct se_keyset *k, unsigned *seen)
{
    const struct {
        const char *name;
        uint8_t *key;
        unsigned bit;
    } names[] = { { "ENC", k->enc, SEEN_ENC }, { "MAC", k->mac, SEEN_MAC }, { "DEK", k->dek, SEEN_DEK } };

    if (line.n == 0 || line.p[0] == '#')
        return true;
    if (line.n <= KEY_NAME_LEN || !is_blank(line.p[KEY_NAME_LEN]))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!slice_starts(line, slice_str(names[i].name)))
            continue;
        if (*seen & names[i].bit)
            return false;
        *seen |= names[i].bit;
        return get_key(trim(slice_skip(line, KEY_NAME_LEN)), names[i].key);
    }
    return false;
}

err_t se_keyset_parse(struct slice text, struct se_keyset *ret, unsigned *ret_line)
{
    struct se_keyset k = { 0 };
    unsigned seen = 0, line = 0;
    bool good = true;

    while (good && text.n) {
        line++;
        good = take_line(next_line(&text), &k, &seen);
    }
    k.has_dek = seen & SEEN_DEK;
    if (good && (seen & (SEEN_ENC | SEEN_MAC)) == (SEEN_ENC | SEEN_MAC)) {
        *ret = k;
        mem_wipe(&k, sizeof(k));
        return ERR_OK;
    }
    *ret_line = good ? 0 : line;
    mem_wipe(&k, sizeof(k));
    return ERR_INVALID;
}

static err_t parse_file(struct slice text, const char *path, struct se_keyset *ret)
{
    unsigned line = 0;

    if (!se_keyset_parse(text, ret, &line))
        return ERR_OK;
    if (line)
        return se_fail(ERR_INVALID, "%s:%u: expected ENC, MAC or DEK, each once, and %d hexadecimal digits",
                       path, line, HEX_LEN);
    return se_fail(ERR_INVALID, "%s: the key ENC or MAC is missing", path);
}

/* A path or a credential. */
static err_t read_file(const char *spec, struct se_keyset *ret)
{
    autobuf text = BUF_SECRET(FILE_MAX);
    err_t e = se_private_read(spec, "SCP03 key file", &text);

    return e ? e : parse_file(buf_slice(&text), spec, ret);
}

err_t se_keyset_read(const char *path, struct se_keyset *ret)
{
    return read_file(path, ret);
}

static err_t add_file(const char *spec, const char *name, struct se_keysets *k)
{
    err_t e = read_file(spec, &k->set[0]);

    if (e)
        return e;
    (void)snprintf(k->name[0], SE_CHANNEL_KEYS_MAX, "%.*s", SE_CHANNEL_KEYS_MAX - 1, name);
    k->n = 1;
    return ERR_OK;
}

/* ---- what was named ---- */

static err_t find_named(const char *spec, struct se_keysets *k)
{
    if (strcasecmp(spec, "none") == 0)
        return ERR_OK;
    if (spec[0] == '/')
        return add_file(spec, "file", k);
    if (strncmp(spec, SE_CREDENTIAL_PREFIX, strlen(SE_CREDENTIAL_PREFIX)) == 0)
        return add_file(spec, spec, k);
    return find_published(spec, k);
}

static err_t find_configured(struct se_keysets *k)
{
    const char *env = secure_getenv("EX_SSS_BOOT_SCP03_PATH");
    char value[PATH_MAX];
    err_t e;

    if (env && *env)
        return env[0] == '/'
                   ? add_file(env, "file", k)
                   : se_fail(ERR_INVALID, "EX_SSS_BOOT_SCP03_PATH=%.100s: not an absolute path", env);
    e = se_conf_value("scp03", value, sizeof(value));
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (!e)
        e = find_named(value, k);
    return e == ERR_INVALID ? se_fail_at(e, "%s: ", se_conf_path()) : e;
}

err_t se_keysets_find(const char *spec, struct se_keysets *ret)
{
    struct se_keysets k = { 0 };
    err_t e = spec ? find_named(spec, &k) : find_configured(&k);

    if (!e)
        *ret = k;
    se_keysets_wipe(&k);
    return e;
}

void se_keysets_wipe(struct se_keysets *k)
{
    mem_wipe(k, sizeof(*k));
}
