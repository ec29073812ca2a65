#include "vse/scp_keys.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

#include <strings.h>

enum { FILE_MAX = 4096, HEX_LEN = 2 * VSE_SCP_KEY, NAME_LEN = 3 };

/* NXP AN12436, as the reference repeats it. */
static const struct {
    const char *name, *enc, *mac, *dek;
} published[] = {
    { "devkit", "35C256458958A34F6136155F8209D6CD", "AF177D5DBDF7C0D5C10A05B9F1607F78",
      "A1BC8438BF77935B361A4425FE79FA29" },
    { "A1F4", "35C256458958A34F6136155F8209D6CD", "AF177D5DBDF7C0D5C10A05B9F1607F78",
      "A1BC8438BF77935B361A4425FE79FA29" },
    { "A200", "852B5962E9CCE5D0BE746B833BCC6287", "DB0AA319A408696C8E107AB4E3C26B47", NULL },
    { "A201", "BD1DE20A81EAB2BF3B709A9D69A31254", "9A761B8DBA6BEDF22741E45D8D4236F5", NULL },
    { "A921", "D2DB63E7A0A5AED72A6460C4DFDCAF64", "738D5B798ED241B0B24768514BFBA95B", NULL },
};

static bool get_key(struct slice hex, uint8_t ret[VSE_SCP_KEY])
{
    autobuf key = BUF_SECRET(VSE_SCP_KEY);

    if (hex.n != HEX_LEN || hex_decode(&key, hex))
        return false;
    memcpy(ret, key.p, VSE_SCP_KEY);
    return true;
}

err_t vse_scp_keys_named(const char *name, struct vse_scp_keys *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(published); i++) {
        struct vse_scp_keys k = { .has_dek = published[i].dek != NULL };
        if (strcasecmp(published[i].name, name) != 0)
            continue;
        if (!get_key(slice_str(published[i].enc), k.enc) || !get_key(slice_str(published[i].mac), k.mac) ||
            (k.has_dek && !get_key(slice_str(published[i].dek), k.dek)))
            return ERR_NOMEM; /* the table is right: memory is all that can fail */
        *ret = k;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

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

/* seen: one bit for each name that came. */
static bool take_line(struct slice line, struct vse_scp_keys *k, unsigned *seen)
{
    const struct {
        const char *name;
        uint8_t *key;
    } names[] = { { "ENC", k->enc }, { "MAC", k->mac }, { "DEK", k->dek } };

    if (line.n == 0 || line.p[0] == '#')
        return true;
    if (line.n <= NAME_LEN || !is_blank(line.p[NAME_LEN]))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!slice_starts(line, slice_str(names[i].name)))
            continue;
        if (*seen & 1u << i)
            return false;
        *seen |= 1u << i;
        return get_key(trim(slice_skip(line, NAME_LEN)), names[i].key);
    }
    return false;
}

err_t vse_scp_keys_parse(struct slice text, struct vse_scp_keys *ret)
{
    enum { ENC_AND_MAC = 3, DEK = 4 };
    struct vse_scp_keys k = { 0 };
    unsigned seen = 0;
    bool good = true;

    while (good && text.n)
        good = take_line(next_line(&text), &k, &seen);
    good = good && (seen & ENC_AND_MAC) == ENC_AND_MAC;
    k.has_dek = seen & DEK;
    if (good)
        *ret = k;
    mem_wipe(&k, sizeof(k));
    return good ? ERR_OK : ERR_PROTO;
}

err_t vse_scp_keys_read(const char *path, struct vse_scp_keys *ret)
{
    autobuf text = BUF_SECRET(FILE_MAX);
    err_t e = file_read_private(path, &text);

    return e ? e : vse_scp_keys_parse(buf_slice(&text), ret);
}
