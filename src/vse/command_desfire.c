/* MIFARE DESFire EV2, the reader's half (reference 3.12): the part holds the keys of the cards, does the
 * authentication and hands out session keys. One authentication at a time; it belongs to the session that
 * began it. */
#include "base/mem.h"
#include "vse/desfire.h"
#include "vse/dispatch.h"
#include "vse/work.h"

#include <openssl/rand.h>

/* ---- whose, and with which key ---- */

static bool is_ours(const struct vse_applet *a, const struct vse_call *c)
{
    return a->desfire.step != VSE_DESFIRE_NONE && a->desfire.session == c->session->id;
}

static uint16_t aes128(const struct vse_object *key)
{
    return vse_object_part(key, VSE_DATA).n == VSE_DESFIRE_KEY ? SE_SW_OK : SE_SW_CONDITIONS;
}

static uint16_t key_at(struct vse_applet *a, struct vse_call *c, uint8_t tag, uint32_t right,
                       const struct vse_object **ret)
{
    uint16_t sw = vse_key_at(a, c, tag, SE_TYPE_AES, right, ret);

    return sw == SE_SW_OK ? aes128(*ret) : sw;
}

/* The key of the authentication that is under way, as it is now. */
static uint16_t own_key(struct vse_applet *a, struct vse_call *c, uint32_t right,
                        const struct vse_object **ret)
{
    uint16_t sw =
        is_ours(a, c) ? vse_key_by_id(a, c, a->desfire.key_id, SE_TYPE_AES, right, ret) : SE_SW_CONDITIONS;

    return sw == SE_SW_OK ? aes128(*ret) : sw;
}

/* The card does not know the key: as every failed authentication. */
static uint16_t sw_of(err_t e)
{
    return e == ERR_AUTH ? SE_SW_SECURITY_STATUS : vse_sw_from_err(e);
}

/* ---- authentication ---- */

static uint16_t ask(struct vse_applet *a, struct vse_call *c, enum vse_desfire_step how, struct writer *out)
{
    struct slice challenge = vse_arg_bytes(&c->args, SE_TAG_2);
    autobuf answer = BUF_INIT(2 * VSE_DESFIRE_RANDOM);
    uint8_t rnd_a[VSE_DESFIRE_RANDOM];
    const struct vse_object *key;
    uint16_t sw;
    err_t e;

    if (challenge.n != VSE_DESFIRE_RANDOM)
        return SE_SW_WRONG_DATA;
    sw = key_at(a, c, SE_TAG_1, SE_POLICY_DESFIRE_AUTH, &key);
    if (sw == SE_SW_OK && how == VSE_DESFIRE_NONFIRST && !is_ours(a, c))
        sw = SE_SW_CONDITIONS;
    if (sw != SE_SW_OK)
        return sw;
    if (RAND_bytes(rnd_a, sizeof(rnd_a)) != 1)
        return vse_sw_from_err(ERR_CRYPTO);
    e = vse_desfire_ask(&a->desfire, how, vse_object_part(key, VSE_DATA), challenge, rnd_a, &answer);
    mem_wipe(rnd_a, sizeof(rnd_a));
    if (e)
        return vse_sw_from_err(e);
    a->desfire.key_id = key->id;
    a->desfire.session = c->session->id;
    tlv_put(out, SE_TAG_1, buf_slice(&answer));
    return SE_SW_OK;
}

static uint16_t first_part1(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return ask(a, c, VSE_DESFIRE_FIRST, out);
}

static uint16_t nonfirst_part1(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return ask(a, c, VSE_DESFIRE_NONFIRST, out);
}

static uint16_t check(struct vse_applet *a, struct vse_call *c, enum vse_desfire_step how, size_t n,
                      struct buf *caps)
{
    struct slice answer = vse_arg_bytes(&c->args, SE_TAG_1);
    const struct vse_object *key;
    uint16_t sw;

    if (answer.n != n)
        return SE_SW_WRONG_DATA;
    sw = own_key(a, c, SE_POLICY_DESFIRE_AUTH, &key);
    if (sw != SE_SW_OK)
        return sw;
    return sw_of(vse_desfire_check(&a->desfire, how, vse_object_part(key, VSE_DATA), answer, caps));
}

static uint16_t first_part2(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf caps = BUF_INIT(VSE_DESFIRE_CAPS);
    uint16_t sw = check(a, c, VSE_DESFIRE_FIRST, 2 * VSE_DESFIRE_RANDOM, &caps);

    if (sw == SE_SW_OK)
        tlv_put(out, SE_TAG_1, buf_slice(&caps));
    return sw;
}

static uint16_t nonfirst_part2(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)out;
    return check(a, c, VSE_DESFIRE_NONFIRST, VSE_DESFIRE_RANDOM, NULL);
}

static uint16_t dump_keys(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf keys = BUF_SECRET(2 * VSE_DESFIRE_KEY + VSE_DESFIRE_TI + 2);
    const struct vse_object *key;
    uint16_t sw = own_key(a, c, SE_POLICY_DESFIRE_DUMP, &key);

    if (sw == SE_SW_OK)
        sw = vse_sw_from_err(vse_desfire_dump(&a->desfire, &keys));
    if (sw == SE_SW_OK)
        tlv_put(out, SE_TAG_1, buf_slice(&keys));
    return sw;
}

static uint16_t end_authentication(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)out;
    if (!is_ours(a, c))
        return SE_SW_CONDITIONS;
    vse_desfire_end(&a->desfire);
    return SE_SW_OK;
}

/* ---- keys ---- */

/* The key to be written to the card. On 7.x it has a right of its own, perhaps under one key only. */
static uint16_t new_key(struct vse_applet *a, struct vse_call *c, const struct vse_object **ret)
{
    uint32_t right = vse_is_7x(a) ? SE_POLICY_DESFIRE_CHANGE_KEY : SE_POLICY_DESFIRE_AUTH;
    struct vse_policy_who who = vse_call_who(a, c);
    uint16_t sw = key_at(a, c, SE_TAG_2, right, ret);
    struct slice set;

    if (sw != SE_SW_OK || !vse_is_7x(a))
        return sw;
    set = buf_slice(&(*ret)->policy);
    return set.n == 0 || vse_policy_changes_under(set, a->desfire.key_id, &who) ? SE_SW_OK
                                                                                : SE_SW_COMMAND_NOT_ALLOWED;
}

/* Without T1 the key that is changed is the one authenticated with. */
static uint16_t change(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_desfire_change what = { .set = vse_arg_u8(&c->args, SE_TAG_3, 0),
                                       .number = vse_arg_u8(&c->args, SE_TAG_4, 0),
                                       .version = vse_arg_u8(&c->args, SE_TAG_5, 0) };
    autobuf message = BUF_INIT(2 * VSE_DESFIRE_KEY + VSE_DESFIRE_MAC);
    const struct vse_object *key, *old = NULL;
    uint16_t sw = c->args.bad ? SE_SW_WRONG_DATA : SE_SW_OK;

    if (sw == SE_SW_OK && vse_arg_has(&c->args, SE_TAG_1))
        sw = key_at(a, c, SE_TAG_1, SE_POLICY_DESFIRE_AUTH, &old);
    if (sw == SE_SW_OK)
        sw = new_key(a, c, &key);
    if (sw == SE_SW_OK && !is_ours(a, c))
        sw = SE_SW_CONDITIONS;
    if (sw != SE_SW_OK)
        return sw;
    what.key = vse_object_part(key, VSE_DATA);
    if (old)
        what.old = vse_object_part(old, VSE_DATA);
    sw = vse_sw_from_err(vse_desfire_change(&a->desfire, &what, &message));
    if (sw == SE_SW_OK)
        tlv_put(out, SE_TAG_1, buf_slice(&message));
    return sw;
}

static uint16_t changed(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct slice mac = vse_arg_bytes(&c->args, SE_TAG_1);
    bool good = false;
    uint16_t sw;

    if (mac.n != VSE_DESFIRE_MAC)
        return SE_SW_WRONG_DATA;
    sw = is_ours(a, c) ? vse_sw_from_err(vse_desfire_changed(&a->desfire, mac, &good)) : SE_SW_CONDITIONS;
    if (sw == SE_SW_OK)
        vse_put_verdict(out, SE_TAG_1, good);
    return sw;
}

/* Into an AES key only, new or there. */
static uint16_t diversify(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint32_t right = vse_is_7x(a) ? SE_POLICY_DESFIRE_KDF : SE_POLICY_KDF;
    uint32_t target_id = vse_arg_u32(&c->args, SE_TAG_2, SE_ID_NONE);
    const struct vse_object *master, *target = vse_objects_find(&a->objects, target_id);
    autobuf result = BUF_SECRET(VSE_DESFIRE_KEY);
    uint16_t sw = c->args.bad ? SE_SW_WRONG_DATA : key_at(a, c, SE_TAG_1, right, &master);

    (void)out;
    if (sw == SE_SW_OK && target && target->type != SE_TYPE_AES)
        sw = SE_SW_CONDITIONS;
    if (sw == SE_SW_OK)
        sw = vse_sw_from_err(vse_desfire_diversify(vse_object_part(master, VSE_DATA),
                                                   vse_arg_bytes(&c->args, SE_TAG_3), &result));
    return sw == SE_SW_OK ? vse_keep_derived(a, c, SE_TAG_2, master, SE_TYPE_AES, buf_slice(&result)) : sw;
}

#define ROW(name_, p2_, must_, may_, run_)                                                         \
    {                                                                                              \
        .name = (name_), .ins = SE_INS_CRYPTO, .p1 = SE_P1_DEFAULT, .p2 = (p2_), .on = VSE_ON_ALL, \
        .feature = SE_CONFIG_DESFIRE, .must = (must_), .may = (may_), .run = (run_),               \
    }

enum { CHANGE_TAGS = VSE_T(2) | VSE_T(3) | VSE_T(4) | VSE_T(5) };

/* clang-format off */
const struct vse_command vse_commands_desfire[] = {
    ROW("DiversifyKey", SE_P2_DIVERSIFY, VSE_T(1) | VSE_T(2) | VSE_T(3), 0, diversify),
    ROW("AuthFirstPart1", SE_P2_AUTH_FIRST_PART1, VSE_T(1) | VSE_T(2), 0, first_part1),
    ROW("AuthNonFirstPart1", SE_P2_AUTH_NONFIRST_PART1, VSE_T(1) | VSE_T(2), 0, nonfirst_part1),
    ROW("AuthFirstPart2", SE_P2_AUTH_FIRST_PART2, VSE_T(1), 0, first_part2),
    ROW("AuthNonFirstPart2", SE_P2_AUTH_NONFIRST_PART2, VSE_T(1), 0, nonfirst_part2),
    ROW("DumpSessionKeys", SE_P2_DUMP_KEY, 0, 0, dump_keys),
    ROW("ChangeKeyPart1", SE_P2_CHANGE_KEY_PART1, CHANGE_TAGS, VSE_T(1), change),
    ROW("ChangeKeyPart2", SE_P2_CHANGE_KEY_PART2, VSE_T(1), 0, changed),
    ROW("KillAuthentication", SE_P2_KILL_AUTH, 0, 0, end_authentication),
    VSE_COMMANDS_END,
};
/* clang-format on */
