/* sedgectl doctor: the key, the certificate that belongs to it, the clock that judges the certificate. */
#include "base/clock.h"
#include "cli/doctor.h"
#include "crypto/cert.h"

#include <string.h>

/* No Sedge is older: a clock before this was never set (2026-01-01). */
static const int64_t clock_floor_ms = 1767225600000;

/* The daemon's socket and the chip are looked at already: only what the key adds is judged here. */
static err_t load_key(struct doctor *d, struct crypto_error *why)
{
    const char *pin = d->pin ? (const char *)secret_expose_bytes(d->pin).p : "0000";
    struct crypto_token token = { .module_path = d->module_path, .slot_label = d->token_label, .pin = pin };

    return crypto_key_load(d->crypto, d->key_uri, strncmp(d->key_uri, "pkcs11:", 7) == 0 ? &token : NULL,
                           &d->private_key, why);
}

void doctor_key(struct doctor *d, struct doctor_finding *f)
{
    struct crypto_error why = { .text = "" };
    bool in_token = d->key_uri && strncmp(d->key_uri, "pkcs11:", 7) == 0;

    if (!d->key_uri)
        doctor_skip(f, "no key is named (config.json, --key)");
    else if (in_token && !d->pin_ok)
        doctor_skip(f, d->token_ok ? "without the PIN it cannot be looked for" : "no token");
    else if (load_key(d, &why))
        doctor_fail(f,
                    "list what is there with `ssscli se05x readidlist`; correct privateKeyPath (--key), or "
                    "make the key",
                    "%s: %s", d->key_uri, why.text);
    else
        doctor_ok(f, "%s: %s, %d bits", d->key_uri, crypto_key_is_rsa(d->private_key) ? "RSA" : "EC",
                  crypto_key_bits(d->private_key));
}

void doctor_certificate(struct doctor *d, struct doctor_finding *f)
{
    struct crypto_error why = { .text = "" };

    if (!d->cert_path)
        doctor_skip(f, "no certificate is named (config.json, --cert)");
    else if (crypto_cert_load(d->crypto, d->cert_path, &d->certificate, &why))
        doctor_fail(f, "correct certificatePath (--cert)", "%s", why.text);
    else if (!d->private_key)
        doctor_skip(f, "%s can be read; there is no key to compare it with", d->cert_path);
    else if (crypto_cert_matches_key(d->certificate, d->private_key, &why))
        doctor_fail(
            f, "name the certificate of this key, or have one issued for it (openssl req with the engine)",
            "%s does not match the key: %s", d->cert_path, why.text);
    else
        doctor_ok(f, "%s is this key's", d->cert_path);
}

static const char *const set_clock =
    "set the clock (timedatectl set-ntp true), or have the certificate issued anew";

static void judge_validity(struct doctor *d, struct doctor_finding *f, const char *now_text, int64_t now)
{
    char from_text[CLOCK_ISO_MAX], to_text[CLOCK_ISO_MAX];
    int64_t from, to;

    if (crypto_cert_validity(d->certificate, &from, &to)) {
        doctor_fail(f, "have the certificate issued anew", "%s holds no readable dates", d->cert_path);
        return;
    }
    clock_iso(from_text, from);
    clock_iso(to_text, to);
    if (now < from)
        doctor_fail(f, set_clock, "the clock says %s, but the certificate is not valid before %s", now_text,
                    from_text);
    else if (now > to)
        doctor_fail(f, set_clock, "the clock says %s, but the certificate expired on %s", now_text, to_text);
    else
        doctor_ok(f, "%s; the certificate is valid until %s", now_text, to_text);
}

void doctor_clock(struct doctor *d, struct doctor_finding *f)
{
    char now_text[CLOCK_ISO_MAX];
    int64_t now = clock_wall_ms();

    clock_iso(now_text, now);
    if (now < clock_floor_ms)
        doctor_fail(f, "set the clock (timedatectl set-ntp true)", "the clock says %s: it was never set",
                    now_text);
    else if (!d->certificate)
        doctor_ok(f, "%s; there is no certificate to compare it with", now_text);
    else
        judge_validity(d, f, now_text, now);
}
