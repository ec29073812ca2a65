/* sedgectl doctor: the token as programs see it, through its PKCS#11 module; its PIN, and keys without one.
 */
#include "cli/doctor.h"
#include "se/attribute.h"
#include "se/detail.h"
#include "se/object.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <string.h>

enum { SLOTS_MAX = 64, NAMES_MAX = 400 };

static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static CK_FLAGS token_flags;

/* ---- token ---- */

static bool load_module(const char *path, struct doctor_finding *f)
{
    CK_C_GetFunctionList get_list;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays: its sessions outlive this check */
    void *symbol = handle ? dlsym(handle, "C_GetFunctionList") : NULL;

    if (!handle) {
        doctor_fail(f, "install the package it is in, or correct P11Provider (--module)",
                    "the PKCS#11 module cannot be loaded: %s", dlerror());
        return false;
    }
    memcpy(&get_list, &symbol, sizeof(get_list)); /* ISO C has no cast from data to function pointer */
    if (symbol && get_list(&p11) == CKR_OK && p11)
        return true;
    p11 = NULL;
    doctor_fail(f, "correct P11Provider (--module)", "%s is a library but not a PKCS#11 module", path);
    return false;
}

static void label_text(const CK_TOKEN_INFO *info, char out[sizeof(info->label) + 1])
{
    size_t n = sizeof(info->label);

    while (n && info->label[n - 1] == ' ')
        n--;
    memcpy(out, info->label, n);
    out[n] = '\0';
}

/* The slot whose token has the label, or the first with a token where none is asked for. */
static bool find_token(const char *label, CK_TOKEN_INFO *ret, char found[33])
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;

    if (p11->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
        n = 0;
    for (CK_ULONG i = 0; i < n; i++) {
        if (p11->C_GetTokenInfo(slots[i], ret) != CKR_OK)
            continue;
        label_text(ret, found);
        slot = slots[i];
        if (!label || strcmp(label, found) == 0)
            return true;
    }
    return false;
}

static bool start_module(const struct doctor *d, struct doctor_finding *f)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_RV rv;

    if (!load_module(d->module_path, f))
        return false;
    rv = p11->C_Initialize(&args);
    if (rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return true;
    doctor_fail(f, "see the module's own messages", "%s: C_Initialize gave 0x%lx", d->module_path, rv);
    return false;
}

void doctor_token(struct doctor *d, struct doctor_finding *f)
{
    char found[33] = "";
    CK_TOKEN_INFO info;

    if (!start_module(d, f))
        return;
    if (!find_token(d->token_label, &info, found)) {
        if (!d->channel_ok)
            doctor_skip(f, "%s is loaded; the chip is not there for it", d->module_path);
        else if (found[0])
            doctor_fail(f, "correct slotLabel (--label)", "%s has a token \"%s\", none with label \"%s\"",
                        d->module_path, found, d->token_label);
        else
            doctor_fail(f,
                        "does the module look for the chip where this program does (SEDGE_CONF, "
                        "EX_SSS_BOOT_SSS_PORT)?",
                        "%s sees no token", d->module_path);
        return;
    }
    d->token_ok = true;
    token_flags = info.flags;
    d->token_has_pin = info.flags & CKF_USER_PIN_INITIALIZED;
    if (!d->token_label)
        d->token_label = mem_strdup(found);
    doctor_ok(f, "\"%s\" in %s", found, d->module_path);
}

/* ---- PIN ---- */

/* Rights that a PIN should stand before. */
static const uint32_t worth_a_pin = SE_POLICY_SIGN | SE_POLICY_DECRYPT | SE_POLICY_KEY_AGREEMENT |
                                    SE_POLICY_WRITE | SE_POLICY_DELETE | SE_POLICY_GENERATE;

static bool is_private(uint8_t class)
{
    return class == SE_TYPE_EC_PAIR || class == SE_TYPE_EC_PRIVATE ||
           (class >= SE_TYPE_RSA_PAIR && class <= SE_TYPE_RSA_PRIVATE_CRT);
}

static bool users(uint32_t id)
{
    return id < SE_ID_RESERVED_FIRST || (id > SE_ID_RESERVED_LAST && id < SE_ID_PROVISIONED_FIRST);
}

static bool open_to_all(const struct se_attributes *a)
{
    for (uint32_t bit = 1; bit; bit <<= 1)
        if (worth_a_pin & bit && se_policy_names(&a->policy, SE_ID_NONE, bit))
            return true;
    return false;
}

/* Ids of private keys that anybody may use or change without the PIN, into names; how many. */
static err_t keys_without_pin(struct se_chip *chip, char *names, size_t room, size_t *ret_n)
{
    autofree uint32_t *ids = NULL;
    size_t n = 0, found = 0, at = 0;
    err_t e = se_object_list(chip, SE_TYPE_ALL, &ids, &n);

    for (size_t i = 0; !e && i < n; i++) {
        struct se_attributes a;

        if (!users(ids[i]))
            continue;
        e = se_object_attributes(chip, ids[i], &a);
        if (e || a.auth || !is_private(se_type_class(a.type)) || !open_to_all(&a))
            continue;
        found++;
        if (at + 12 < room) /* a list cut short will do */
            at += (size_t)snprintf(names + at, room - at, "%s%08" PRIx32, at ? ", " : "", ids[i]);
    }
    if (!e)
        *ret_n = found;
    return e;
}

static void judge_keys(struct doctor *d, struct doctor_finding *f)
{
    char names[NAMES_MAX] = "";
    size_t n = 0;
    err_t e = d->chip ? keys_without_pin(d->chip, names, sizeof(names), &n) : ERR_OK;

    if (e)
        doctor_warn(f, "see the other findings", "the PIN is right; the keys' policies cannot be read: %s",
                    se_detail());
    else if (n)
        doctor_warn(f, "make keys anew now that there is a PIN: policies are fixed when a key is made",
                    "the PIN is right, but %zu key%s of an earlier time can be used without it: %s", n,
                    n == 1 ? "" : "s", names);
    else
        doctor_ok(f, "accepted; every private key asks for it");
}

static CK_RV login(const struct doctor *d)
{
    struct slice pin = secret_expose_bytes(d->pin);
    CK_SESSION_HANDLE session;
    CK_RV rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session);

    if (rv != CKR_OK)
        return rv;
    rv = p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin.p, pin.n);
    (void)p11->C_CloseSession(session); /* and the login with it */
    return rv;
}

static const char *const unlock =
    "unlock it with the security officer's PIN (pkcs11-tool --login --login-type so --init-pin)";

static void try_pin(struct doctor *d, struct doctor_finding *f)
{
    CK_RV rv = login(d);

    d->pin_ok = rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN;
    if (d->pin_ok)
        judge_keys(d, f);
    else if (rv == CKR_PIN_LOCKED)
        doctor_fail(f, unlock, "the PIN is locked: too many wrong ones were tried");
    else if (rv == CKR_PIN_INCORRECT)
        doctor_fail(f,
                    "correct it (slotUserPin of config.json, pin in se.conf); every try counts, do not guess",
                    "the configured PIN is wrong");
    else
        doctor_fail(f, "see the findings above", "login to the token gave 0x%lx", rv);
}

void doctor_pin(struct doctor *d, struct doctor_finding *f)
{
    if (!d->token_ok)
        doctor_skip(f, "no token");
    else if (!d->token_has_pin) {
        d->pin_ok = true;
        doctor_warn(f, "set one (pkcs11-tool --init-token, --init-pin) and make the keys after that",
                    "the chip has no PIN object: any PIN is accepted");
    } else if (token_flags & CKF_USER_PIN_LOCKED)
        doctor_fail(f, unlock, "the PIN is locked: too many wrong ones were tried");
    else if (!d->pin)
        doctor_skip(f, "no PIN is configured (slotUserPin, pin in se.conf, --pin-file): not tried");
    else if (token_flags & CKF_USER_PIN_FINAL_TRY)
        doctor_warn(f, "log in once with the right one", "one more wrong PIN locks it: not tried");
    else
        try_pin(d, f);
}
