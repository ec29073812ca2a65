/* ssscli se05x ...: the chip as a whole. */
#include "base/hex.h"
#include "cli/ssscli_commands.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"

#include <inttypes.h>

enum { RANDOM_LEN = 10 };

err_t cli_se05x_uid(struct cli *cli)
{
    uint8_t uid[SE_UNIQUE_ID_LEN];
    char text[2 * SE_UNIQUE_ID_LEN + 1];
    err_t e = se_chip_uid(cli->chip, uid);

    if (e)
        return e;
    hex_str(text, SLICE_ARRAY(uid));
    cli_say(cli, "Unique ID: %s\n", text);
    cli_put_str(cli, "uniqueId", text);
    return ERR_OK;
}

err_t cli_se05x_certuid(struct cli *cli)
{
    uint8_t uid[SE_UNIQUE_ID_LEN], cert_uid[SE_CERT_UID_LEN];
    char text[2 * SE_CERT_UID_LEN + 1];
    err_t e = se_chip_uid(cli->chip, uid);

    if (e)
        return e;
    se_cert_uid(uid, cert_uid);
    hex_str(text, SLICE_ARRAY(cert_uid));
    cli_say(cli, "Cert UID: %s\n", text);
    cli_put_str(cli, "certUid", text);
    return ERR_OK;
}

err_t cli_se05x_getrng(struct cli *cli)
{
    uint8_t random[RANDOM_LEN];
    char text[2 * RANDOM_LEN + 1];
    err_t e = se_chip_random(cli->chip, random, sizeof(random));

    if (e)
        return e;
    hex_str(text, SLICE_ARRAY(random));
    cli_say(cli, "Random number: %s\n", text);
    cli_put_str(cli, "random", text);
    return ERR_OK;
}

/* ---- readidlist ---- */

static const struct {
    uint8_t type;
    const char *name, *part;
} types[] = {
    { SE_TYPE_EC_PAIR, "NIST-P", "(Key Pair)" },
    { SE_TYPE_EC_PRIVATE, "NIST-P", "(Private Key)" },
    { SE_TYPE_EC_PUBLIC, "NIST-P", "(Public Key)" },
    { SE_TYPE_RSA_PAIR, "RSA", "(Key Pair)" },
    { SE_TYPE_RSA_PAIR_CRT, "RSA_CRT", "(Key Pair)" },
    { SE_TYPE_RSA_PRIVATE, "RSA", "(Private Key)" },
    { SE_TYPE_RSA_PRIVATE_CRT, "RSA_CRT", "(Private Key)" },
    { SE_TYPE_RSA_PUBLIC, "RSA", "(Public Key)" },
    { SE_TYPE_AES, "AES", "" },
    { SE_TYPE_DES, "DES", "" },
    { SE_TYPE_BINARY, "BINARY", "" },
    { SE_TYPE_USERID, "USER-ID", "" },
    { SE_TYPE_COUNTER, "COUNT", "" },
    { SE_TYPE_PCR, "PCR", "" },
    { SE_TYPE_HMAC, "HMAC", "" },
};

static const char *ec_name(uint8_t curve)
{
    if (curve >= SE_CURVE_BP160 && curve <= SE_CURVE_BP512)
        return "EC_BRAINPOOL";
    if (curve >= SE_CURVE_K160 && curve <= SE_CURVE_K256)
        return "NIST-K";
    if (curve == SE_CURVE_ED25519)
        return "EC_TWISTED_ED";
    if (curve == SE_CURVE_X25519 || curve == SE_CURVE_X448)
        return "EC_MONTGOMERY";
    return "NIST-P";
}

struct line {
    const char *name, *part;
    size_t bits;
};

static err_t describe_ec(struct cli *cli, uint32_t id, struct line *line)
{
    const struct se_curve_info *info;
    uint8_t curve;
    err_t e = se_ec_curve(cli->chip, id, &curve);

    if (e)
        return e;
    info = se_curve_by_id(curve);
    line->name = ec_name(curve);
    if (info)
        line->bits = info->bits; /* the size in bytes would make 528 of P-521 */
    return ERR_OK;
}

static err_t describe(struct cli *cli, uint32_t id, struct line *ret)
{
    struct line line = { "UNKNOWN", "", 0 };
    struct se_object_type type;
    size_t size = 0;
    uint8_t class;
    err_t e = se_object_type(cli->chip, id, &type);

    if (!e)
        e = se_object_size(cli->chip, id, &size);
    if (e)
        return e;
    class = se_type_class(type.type);
    line.bits = size * 8;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].type == class) {
            line.name = types[i].name;
            line.part = types[i].part;
        }
    if (class == SE_TYPE_EC_PAIR || class == SE_TYPE_EC_PRIVATE || class == SE_TYPE_EC_PUBLIC)
        e = describe_ec(cli, id, &line);
    if (!e)
        *ret = line;
    return e;
}

static void put_object(struct cli *cli, json_t *list, uint32_t id, const struct line *l)
{
    cli_say(cli, "Key-Id: 0X%-10" PRIX32 "%-17s%-15sSize(Bits): %zu\n", id, l->name, l->part, l->bits);
    (void)json_array_append_new(list, json_pack("{s:o,s:s,s:s,s:I}", "keyId", cli_json_id(id), "type",
                                                l->name, "part", l->part, "bits", (json_int_t)l->bits));
}

static err_t print_objects(struct cli *cli)
{
    autofree uint32_t *ids = NULL;
    size_t n = 0;
    json_t *list = json_array();
    err_t e = se_object_list(cli->chip, SE_TYPE_ALL, &ids, &n);

    for (size_t i = 0; !e && i < n; i++) {
        struct line line;

        e = describe(cli, ids[i], &line);
        if (!e)
            put_object(cli, list, ids[i], &line);
    }
    cli_put(cli, "objects", list);
    return e;
}

static err_t print_crypto_objects(struct cli *cli)
{
    struct se_crypto_object objects[SE_CRYPTO_OBJECTS_MAX];
    size_t n = 0;
    json_t *list = json_array();
    err_t e = se_crypto_object_list(cli->chip, objects, &n);

    for (size_t i = 0; !e && i < n; i++) {
        cli_say(cli, "CryptoObject-Id: 0X%04X\n", objects[i].id);
        (void)json_array_append_new(list, json_sprintf("0x%04X", objects[i].id));
    }
    cli_put(cli, "cryptoObjects", list);
    return e;
}

err_t cli_se05x_readidlist(struct cli *cli)
{
    err_t e = se_chip_begin(cli->chip); /* one picture: nobody adds or deletes meanwhile */

    if (e)
        return e;
    e = print_objects(cli);
    if (!e)
        e = print_crypto_objects(cli);
    se_chip_end(cli->chip);
    return e;
}

/* ---- reset ---- */

/* By list, as NXP's tool does it: DeleteAll would need a session with the factory-reset object. */
static bool kept(uint32_t id)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0, 3 },
        { SE_ID_DEMO_FIRST, SE_ID_DEMO_LAST },
        { SE_ID_RESERVED_FIRST, SE_ID_RESERVED_LAST },
        { SE_ID_PROVISIONED_FIRST, SE_ID_PROVISIONED_LAST },
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (id >= ranges[i].first && id <= ranges[i].last)
            return true;
    return false;
}

/* One refusal does not keep the others alive; the last one is reported. */
static err_t erase_objects(struct cli *cli, const uint32_t *ids, size_t n, size_t *erased)
{
    err_t result = ERR_OK;

    for (size_t i = 0; i < n; i++) {
        err_t e = kept(ids[i]) ? ERR_EXISTS : se_object_delete(cli->chip, ids[i]);

        if (!e)
            (*erased)++;
        else if (e != ERR_EXISTS)
            result = e;
    }
    return result;
}

static err_t erase_crypto_objects(struct cli *cli)
{
    struct se_crypto_object objects[SE_CRYPTO_OBJECTS_MAX];
    size_t n = 0;
    err_t e = se_crypto_object_list(cli->chip, objects, &n);

    for (size_t i = 0; !e && i < n; i++)
        e = se_crypto_object_delete(cli->chip, objects[i].id);
    return e;
}

static err_t reset(struct cli *cli)
{
    autofree uint32_t *ids = NULL;
    size_t n = 0, erased = 0;
    err_t e = se_object_list(cli->chip, SE_TYPE_ALL, &ids, &n);

    if (!e)
        e = erase_objects(cli, ids, n, &erased);
    if (!e)
        e = erase_crypto_objects(cli);
    if (e)
        return cli_fail(e, "reset is not complete, %zu objects were erased: %s", erased, se_detail());
    cli_say(cli, "Reset done, %zu object%s erased\n", erased, erased == 1 ? "" : "s");
    cli_put(cli, "erased", json_integer((json_int_t)erased));
    return ERR_OK;
}

err_t cli_se05x_reset(struct cli *cli)
{
    err_t e = se_chip_begin(cli->chip);

    if (e)
        return e;
    e = reset(cli);
    se_chip_end(cli->chip);
    return e;
}
