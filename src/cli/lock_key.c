/* sedgectl lock: what is made, and of what it is made. */
#include "base/file.h"
#include "cli/lock.h"
#include "cli/ssscli_key.h"
#include "cli/ssscli_public.h"
#include "cli/ssscli_put.h"
#include "crypto/key.h"
#include "crypto/random.h"
#include "se/attribute.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/symmetric.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { RESET_VALUE_LEN = 16 };

/* ---- policies ---- */

uint32_t lock_rights(bool rsa)
{
    uint32_t rights = SE_POLICY_SIGN | SE_POLICY_VERIFY | SE_POLICY_READ;

    return rsa ? rights | SE_POLICY_DECRYPT | SE_POLICY_ENCRYPT : rights;
}

err_t lock_policy_make(const struct lock *l, struct se_policy *ret)
{
    const uint32_t private = SE_POLICY_SIGN | SE_POLICY_DECRYPT;
    struct se_policy p = { 0 };
    uint32_t all = lock_rights(l->rsa);
    err_t e = se_policy_add(&p, SE_ID_NONE, l->auths ? all & ~private : all);

    for (size_t i = 0; !e && i < l->auths; i++)
        e = se_policy_add(&p, l->auth[i], all & private);
    if (!e)
        *ret = p;
    return e;
}

bool lock_policy_is(const struct se_policy *p, bool rsa)
{
    bool signs = false;

    for (size_t i = 0; i < p->n; i++) {
        if (p->rules[i].rights & ~lock_rights(rsa))
            return false;
        signs |= p->rules[i].rights & SE_POLICY_SIGN;
    }
    return signs;
}

/* ---- the plan ---- */

static err_t plan_generate(struct lock *l)
{
    static const char *const sizes[] = { "1024", "2048", "3072", "4096" };
    const struct se_curve_info *curve = se_curve_by_name(l->generate);

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (strcmp(sizes[i], l->generate) == 0) {
            l->rsa = true;
            l->bits = strtoul(sizes[i], NULL, 10);
            return ERR_OK;
        }
    if (!curve || curve->kind == SE_CURVE_MONTGOMERY)
        return cli_fail(ERR_INVALID,
                        "--generate %s: neither a curve whose keys sign nor 1024, 2048, 3072 or 4096",
                        l->generate);
    l->curve = curve->id;
    return ERR_OK;
}

static err_t read_file(struct lock *l, bool pair, EVP_PKEY **ret)
{
    err_t e = cli_key_read(&l->cli, l->import, CLI_KEY_EC, pair, ret);

    l->rsa = e != ERR_OK;
    return e ? cli_key_read(&l->cli, l->import, CLI_KEY_RSA, pair, ret) : ERR_OK;
}

/* An object is there: the very key of the file may be replaced by its locked self. */
static err_t compare_existing(struct lock *l, const EVP_PKEY *key)
{
    auto_cli_public there = { 0 };
    err_t e = cli_public_read(&l->cli, CLI_WANT_KEY, &there);

    if (e || !crypto_key_same_public(key, there.key))
        return cli_fail(ERR_EXISTS, "object 0x%08" PRIX32 " is there and not the key in %s: erase it first",
                        l->cli.id, l->import);
    return ERR_OK;
}

static err_t plan_import(struct lock *l)
{
    auto_pkey EVP_PKEY *key = NULL;
    struct crypto_ec_parts parts = { 0 };
    const struct se_curve_info *curve = NULL;
    err_t e = read_file(l, true, &key);

    if (e)
        return e;
    if (l->rsa)
        l->bits = (size_t)crypto_key_bits(key);
    else if (crypto_key_is_ec(key))
        curve = crypto_ec_parts_get(key, &parts) ? NULL : se_curve_by_name(parts.curve);
    else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        curve = se_curve_by_id(SE_CURVE_ED25519);
    crypto_ec_parts_done(&parts);
    if (!l->rsa && !curve)
        return cli_fail(ERR_INVALID, "%s: not a key that the chip can sign with", l->import);
    l->curve = curve ? curve->id : 0;
    return l->there ? compare_existing(l, key) : ERR_OK;
}

static err_t explain_existing(const struct lock *l, const struct se_attributes *a)
{
    bool rsa = cli_type_is_rsa(se_type_class(a->type));

    if (!rsa && !cli_type_is_ec(se_type_class(a->type)))
        return cli_fail(ERR_INVALID, "object 0x%08" PRIX32 " is not a key that signs", l->cli.id);
    return cli_fail(ERR_INVALID,
                    "object 0x%08" PRIX32
                    " was made with a policy that lets others do more with it, and a policy cannot be "
                    "changed once an object is there. If you have the key in a file: sedgectl lock %08" PRIX32
                    " --import FILE (it replaces the key by its locked self). A key that was generated in "
                    "the chip cannot be "
                    "locked any more: generate a new one with sedgectl lock KEYID --generate CURVE and have "
                    "a certificate issued "
                    "for that",
                    l->cli.id, l->cli.id);
}

/* What is locked already, for telling and for the rehearsal. */
static err_t plan_locked(struct lock *l, const struct se_policy *policy)
{
    auto_cli_public p = { 0 };
    err_t e = cli_public_read(&l->cli, CLI_WANT_KEY, &p);

    if (e)
        return e;
    l->auths = 0;
    for (size_t i = 0; i < policy->n && l->auths < LOCK_AUTHS_MAX; i++)
        if (policy->rules[i].rights & SE_POLICY_SIGN && policy->rules[i].auth != SE_ID_NONE)
            l->auth[l->auths++] = policy->rules[i].auth;
    l->rsa = !p.curve;
    l->curve = p.curve ? p.curve->id : 0;
    l->bits = (size_t)crypto_key_bits(p.key);
    return ERR_OK;
}

static err_t look_at_existing(struct lock *l)
{
    struct se_attributes a;
    err_t e = se_object_exists(l->cli.chip, l->cli.id, &l->there);

    if (e || !l->there)
        return e;
    e = se_object_attributes(l->cli.chip, l->cli.id, &a);
    if (e)
        return e;
    l->locked = !a.auth && lock_policy_is(&a.policy, cli_type_is_rsa(se_type_class(a.type)));
    if (l->locked)
        return plan_locked(l, &a.policy);
    if (l->import)
        return ERR_OK;
    if (l->generate)
        return cli_fail(ERR_EXISTS,
                        "object 0x%08" PRIX32
                        " is there: choose another id, or erase it first (ssscli erase %08" PRIX32 ")",
                        l->cli.id, l->cli.id);
    return explain_existing(l, &a);
}

static err_t look_at_reset(struct lock *l)
{
    struct se_attributes a;
    bool there;
    err_t e = se_object_exists(l->cli.chip, SE_ID_FACTORY_RESET, &there);

    if (e || l->keep_reset)
        return e;
    l->reset_open = !there;
    if (!there)
        return ERR_OK;
    e = se_object_attributes(l->cli.chip, SE_ID_FACTORY_RESET, &a);
    if (e)
        return e;
    for (size_t i = 0; i < a.policy.n; i++)
        if (a.policy.rules[i].rights & ~SE_POLICY_FORBID_ALL)
            return cli_fail(ERR_EXISTS,
                            "object 0x%08X, the credential of DeleteAll, is there: who knows its value can "
                            "erase every key. Delete "
                            "it, or accept that with --keep-factory-reset",
                            SE_ID_FACTORY_RESET);
    return ERR_OK; /* given away by an earlier lock */
}

/* A key that signs for nobody would be a loss. One at least must be there; a PIN's second object comes and
 * goes. */
static err_t look_at_auths(struct lock *l)
{
    bool any = !l->auths;

    for (size_t i = 0; i < l->auths; i++) {
        struct se_attributes a;
        err_t e = se_object_attributes(l->cli.chip, l->auth[i], &a);

        if (e && e != ERR_NOT_FOUND)
            return e;
        if (!e && !a.auth)
            return cli_fail(ERR_INVALID, "--auth-id: object 0x%08" PRIX32 " does not authenticate anybody",
                            l->auth[i]);
        any |= !e;
    }
    return any ? ERR_OK
               : cli_fail(ERR_NOT_FOUND,
                          "--auth-id: there is no such object: nobody could sign with the key");
}

err_t lock_plan(struct lock *l)
{
    err_t e = look_at_existing(l);

    if (!e)
        e = look_at_auths(l);

    if (!e && !l->there && !l->generate && !l->import)
        return cli_fail(ERR_NOT_FOUND,
                        "there is no object 0x%08" PRIX32
                        ": say how to make it, --generate CURVE or --import FILE",
                        l->cli.id);
    if (!e)
        e = look_at_reset(l);
    if (e || l->locked)
        return e;
    return l->generate ? plan_generate(l) : plan_import(l);
}

/* ---- carrying it out ---- */

static err_t make_key(struct lock *l)
{
    struct se_policy policy = { 0 };
    struct se_write how = { .policy = &policy };
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = lock_policy_make(l, &policy);

    if (!e && l->import)
        e = read_file(l, true, &key);
    if (!e && l->there)
        e = se_object_delete(l->cli.chip, l->cli.id);
    if (e)
        return e;
    if (key)
        return cli_key_put(&l->cli, &key, true, &how);
    return l->rsa ? se_rsa_generate(l->cli.chip, l->cli.id, l->bits, &how)
                  : se_ec_generate(l->cli.chip, l->cli.id, l->curve, &how);
}

/* A value that nobody has seen: with it DeleteAll is gone, and nobody may overwrite or delete it. */
static err_t give_reset_away(struct lock *l)
{
    struct se_policy policy = { 0 };
    uint8_t value[RESET_VALUE_LEN];
    err_t e = se_policy_add(&policy, SE_ID_NONE, 0);

    if (!e)
        e = crypto_random(l->cli.crypto, value, sizeof(value));
    if (!e)
        e = se_userid_write(l->cli.chip, SE_ID_FACTORY_RESET, SLICE_ARRAY(value),
                            &(struct se_write){ .policy = &policy });
    mem_wipe(value, sizeof(value));
    return e ? cli_fail(e, "the key is made, but DeleteAll is not given away: %s", se_detail()) : ERR_OK;
}

static err_t look_at_result(struct lock *l)
{
    struct se_attributes a;
    err_t e = se_object_attributes(l->cli.chip, l->cli.id, &a);

    if (!e && !lock_policy_is(&a.policy, l->rsa))
        return cli_fail(ERR_CONFLICT,
                        "the chip does not show the policy that the key was made with: it is NOT locked");
    return e;
}

/* One sequence: nobody puts an object of his between the two. */
err_t lock_carry_out(struct lock *l)
{
    err_t e = se_chip_begin(l->cli.chip);

    if (e)
        return e;
    if (!l->locked)
        e = make_key(l);
    if (!e && l->reset_open)
        e = give_reset_away(l);
    if (!e)
        e = look_at_result(l);
    se_chip_end(l->cli.chip);
    return e;
}
