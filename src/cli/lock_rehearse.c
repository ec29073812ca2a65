/* sedgectl lock --rehearse: the lock on a scratch chip, and everything tried there that could harm the key.
 */
#include "cli/lock.h"
#include "cli/lock_copy.h"
#include "cli/scratch_chip.h"
#include "cli/ssscli_public.h"
#include "cli/ssscli_put.h"
#include "crypto/key.h"
#include "crypto/random.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/manage.h"
#include "se/session.h"
#include "se/symmetric.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>

enum { VALUE_LEN = 16, USER_FIRST = 0x7b000001, DIGEST_LEN = 32 };

struct rehearsal {
    struct lock lock; /* on the scratch chip: --generate in every case, no file's key goes there */
    char generate[32];
    uint32_t user; /* a UserID object of ours, there to be authenticated with */
    uint8_t user_value[VALUE_LEN];
};

/* ---- what is tried ---- */

/* Another key of the same kind, from outside. */
static err_t other_key(const struct rehearsal *r, EVP_PKEY **ret)
{
    const struct se_curve_info *curve = se_curve_by_id(r->lock.curve);
    OSSL_LIB_CTX *lib = crypto_ctx_lib(r->lock.cli.crypto);

    if (r->lock.rsa)
        *ret = EVP_PKEY_Q_keygen(lib, NULL, "RSA", r->lock.bits);
    else if (curve->kind == SE_CURVE_EDWARDS)
        *ret = EVP_PKEY_Q_keygen(lib, NULL, "ED25519");
    else
        *ret = EVP_PKEY_Q_keygen(lib, NULL, "EC", OBJ_nid2sn(OBJ_txt2nid(curve->oid)));
    return *ret ? ERR_OK : ERR_CRYPTO;
}

static err_t try_set(struct rehearsal *r)
{
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = other_key(r, &key);

    return e ? e : cli_key_put(&r->lock.cli, &key, true, NULL);
}

static err_t try_generate(struct rehearsal *r)
{
    struct cli *cli = &r->lock.cli;

    return r->lock.rsa ? se_rsa_generate(cli->chip, cli->id, r->lock.bits, NULL)
                       : se_ec_generate(cli->chip, cli->id, r->lock.curve, NULL);
}

static err_t try_erase(struct rehearsal *r)
{
    return se_object_delete(r->lock.cli.chip, r->lock.cli.id);
}

static err_t try_delete_all(struct rehearsal *r)
{
    return se_manage_delete_all(r->lock.cli.chip);
}

/* The same as who has authenticated: with our own UserID, and with a guess at that of DeleteAll. */
static err_t in_session(struct rehearsal *r, uint32_t id, err_t (*run)(struct rehearsal *r))
{
    struct se_auth auth = { .kind = SE_AUTH_USERID, .id = id, .secret = SLICE_ARRAY(r->user_value) };
    struct se_session *session = NULL;
    err_t e = se_session_open(r->lock.cli.chip, &auth, &session);

    if (!e)
        e = se_session_begin(session);
    if (!e) {
        e = run(r);
        se_session_end(session);
    }
    se_session_close(session);
    return e;
}

static err_t try_guess(struct rehearsal *r)
{
    return in_session(r, SE_ID_FACTORY_RESET, try_delete_all);
}

/* Where there is none, or it can be deleted: make one, and use it. */
static err_t try_own_reset(struct rehearsal *r)
{
    struct se_chip *chip = r->lock.cli.chip;
    bool there;
    err_t e = se_object_exists(chip, SE_ID_FACTORY_RESET, &there);

    if (!e && there)
        e = se_object_delete(chip, SE_ID_FACTORY_RESET);
    if (!e)
        e = se_userid_write(chip, SE_ID_FACTORY_RESET, SLICE_ARRAY(r->user_value), NULL);
    return e ? e : in_session(r, SE_ID_FACTORY_RESET, try_delete_all);
}

static err_t try_user_set(struct rehearsal *r)
{
    return in_session(r, r->user, try_set);
}

static err_t try_user_erase(struct rehearsal *r)
{
    return in_session(r, r->user, try_erase);
}

static const struct {
    const char *what;
    err_t (*run)(struct rehearsal *r);
} harm[] = {
    { "set: another key in its place", try_set },
    { "generate: a new key in its place", try_generate },
    { "erase", try_erase },
    { "DeleteAll", try_delete_all },
    { "DeleteAll, with a guess at its credential", try_guess },
    { "set, in a UserID session", try_user_set },
    { "erase, in a UserID session", try_user_erase },
    { "DeleteAll, with a credential of one's own", try_own_reset }, /* last: where it works nothing is left */
};

/* ---- what must still work ---- */

static err_t sign_ed(struct rehearsal *r, struct slice message, bool *ret_good)
{
    uint8_t signature[SE_ED_SIGNATURE_LEN];
    err_t e = se_ed_sign(r->lock.cli.chip, r->lock.cli.id, message, signature);

    return e ? e : se_ed_verify(r->lock.cli.chip, r->lock.cli.id, message, signature, ret_good);
}

static err_t sign_here(struct rehearsal *r, bool *ret_good)
{
    static const uint8_t digest[DIGEST_LEN] = { 1 };
    autobuf signature = BUF_INIT(SE_RSA_BYTES_MAX);
    struct se_chip *chip = r->lock.cli.chip;
    uint32_t id = r->lock.cli.id;
    err_t e;

    if (r->lock.rsa) {
        e = se_rsa_sign(chip, id, SE_RSA_PKCS1_SHA256, SLICE_ARRAY(digest), &signature);
        return e ? e
                 : se_rsa_verify(chip, id, SE_RSA_PKCS1_SHA256, SLICE_ARRAY(digest), buf_slice(&signature),
                                 ret_good);
    }
    if (se_curve_by_id(r->lock.curve)->kind == SE_CURVE_EDWARDS)
        return sign_ed(r, SLICE_ARRAY(digest), ret_good);
    e = se_ec_sign(chip, id, SLICE_ARRAY(digest), &signature);
    return e ? e : se_ec_verify(chip, id, SLICE_ARRAY(digest), buf_slice(&signature), ret_good);
}

static err_t try_sign(struct rehearsal *r)
{
    bool good = false;
    err_t e = sign_here(r, &good);

    return !e && !good ? ERR_AUTH : e;
}

static err_t sign_and_verify(struct rehearsal *r)
{
    return r->lock.auths ? in_session(r, r->user, try_sign) : try_sign(r);
}

/* ---- the course of it ---- */

static err_t prepare(const struct lock *l, struct rehearsal *r)
{
    bool there = true;
    err_t e = crypto_random(l->cli.crypto, r->user_value, sizeof(r->user_value));

    for (r->user = USER_FIRST; !e && there; r->user++)
        e = se_object_exists(r->lock.cli.chip, r->user, &there);
    r->user--;
    if (!e)
        e = se_userid_write(r->lock.cli.chip, r->user, SLICE_ARRAY(r->user_value), NULL);
    if (l->rsa)
        (void)snprintf(r->generate, sizeof(r->generate), "%zu", l->bits);
    else
        (void)snprintf(r->generate, sizeof(r->generate), "%s", se_curve_by_id(l->curve)->name);
    return e;
}

static err_t make_copy(const struct lock *l, struct rehearsal *r)
{
    struct lock_copied copied = { 0 };
    err_t e = lock_copy_objects(l->cli.chip, r->lock.cli.chip, l->cli.id, &copied);

    if (e)
        return cli_fail(e, "copying the chip's objects for the rehearsal: %s", se_detail());
    printf("Rehearsal on a virtual chip with %zu objects of the same types and policies", copied.done);
    if (copied.left_out)
        printf("; %zu could not be made again", copied.left_out);
    printf(".\n");
    return prepare(l, r);
}

/* On the copy the key is made as it will be, or is. Whoever may sign with it there is ours: the values of the
 * chip's own authentication objects are not known here. */
static err_t lock_copy(struct rehearsal *r)
{
    struct lock *l = &r->lock;
    err_t e;

    l->there = l->locked = false;
    l->auth[0] = r->user;
    l->auths = l->auths ? 1 : 0;
    e = lock_carry_out(l);
    return e ? cli_fail(e, "rehearsal: the key cannot be locked: %s", cli_message(e)) : ERR_OK;
}

static err_t try_harm(struct rehearsal *r)
{
    err_t result = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
        err_t e = harm[i].run(r);

        if (e == ERR_DENIED || e == ERR_AUTH || e == ERR_NOT_FOUND) {
            printf("  refused      %s (%s)\n", harm[i].what, se_detail());
        } else {
            printf("  NOT REFUSED  %s%s%s\n", harm[i].what, e ? ": " : "", e ? err_str(e) : "");
            result =
                cli_fail(ERR_CONFLICT, "the rehearsal found a way to harm the key: do not lock it like this");
        }
    }
    return result;
}

static err_t rehearse(const struct lock *l, struct rehearsal *r)
{
    err_t e = make_copy(l, r);

    if (!e)
        e = lock_copy(r);
    if (!e)
        e = try_harm(r);
    if (e)
        return e;
    e = sign_and_verify(r);
    if (!e && r->lock.auths && try_sign(r) != ERR_DENIED)
        e = cli_fail(ERR_CONFLICT, "rehearsal: the key signs without authentication");
    if (e)
        return cli_fail(ERR_CONFLICT, "rehearsal: the locked key does not sign as it should: %s",
                        cli_message(e));
    printf("  works        sign and verify\nNothing was done to the chip itself.\n");
    return ERR_OK;
}

err_t lock_rehearse(struct lock *l)
{
    struct se_version version = se_chip_version(l->cli.chip);
    struct rehearsal r = { .lock = *l };
    struct scratch_chip scratch = { 0 };
    err_t e = scratch_chip_start(&version, &scratch);

    if (e)
        return e;
    r.lock.cli.chip = scratch.chip;
    r.lock.import = NULL;
    r.lock.generate = r.generate;
    e = rehearse(l, &r);
    scratch_chip_stop(&scratch);
    return e;
}
