/* sedgectl enrol: its steps. */
#include "cli/enrol.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

static err_t have_key(struct enrol *o)
{
    bool made;
    err_t e = enrol_token_key(o, &made);

    if (!e)
        (void)printf("key %s %s\n", o->key_label, made ? "made in the token" : "is in the token");
    return e;
}

/* As OpenSSL sees it: it knows how to ask for signatures. */
static err_t load_key(struct enrol *o)
{
    autofree char *pin = mem_str(secret_expose_bytes(o->pin));
    const struct crypto_token token = { o->module, o->slot, pin };
    struct crypto_error why = { .text = "" };
    err_t e = pin ? crypto_key_load(o->crypto, o->key_uri, &token, &o->key, &why) : ERR_NOMEM;

    if (pin)
        mem_wipe(pin, strlen(pin));
    return e ? ENROL_FAIL(o, e, "%.1000s", why.text) : ERR_OK;
}

static err_t write_csr(struct enrol *o)
{
    autobuf csr = BUF_INIT(CRYPTO_CERT_MAX);
    struct crypto_error why = { .text = "" };
    err_t e = crypto_csr_make(o->crypto, o->key, o->thing, &csr, &why);

    if (e)
        return ENROL_FAIL(o, e, "no signing request: %.800s", why.text);
    if ((e = file_write_durable(o->write_csr, buf_slice(&csr), 0644)))
        return ENROL_FAIL(o, e, "cannot write %s: %s", o->write_csr, err_str(e));
    (void)printf("wrote %s: have your CA sign it, then run again with --certificate FILE\n", o->write_csr);
    return ERR_OK;
}

static err_t take_signed(struct enrol *o)
{
    autobuf pem = BUF_INIT(CRYPTO_CERT_MAX);
    err_t e = file_read(o->certificate, &pem);

    if (e)
        return ENROL_FAIL(o, e, "%s cannot be read: %s", o->certificate, err_str(e));
    if ((e = enrol_take_certificate(o, buf_slice(&pem), o->certificate)))
        return e;
    return (o->thing_name = mem_strdup(o->thing)) ? ERR_OK : ERR_NOMEM;
}

static err_t store_in_token(struct enrol *o)
{
    bool made;
    err_t e = enrol_token_certificate(o, &made);

    if (!e && made)
        (void)printf("certificate stored in the token as %s\n", o->hash);
    return e;
}

static err_t finish(struct enrol *o)
{
    err_t e;

    if ((e = store_in_token(o)) || (e = enrol_install(o)))
        return e;
    (void)printf("wrote %s/config/config.json: thing %s, certificate %s\n", o->root_path, o->thing_name,
                 o->hash);
    return ERR_OK;
}

static err_t run(struct enrol *o)
{
    err_t e;

    if ((e = crypto_ctx_new(NULL, &o->crypto)) || (e = enrol_token_open(o)) || (e = have_key(o)) ||
        (e = load_key(o)))
        return e;
    if (o->write_csr)
        return write_csr(o);
    if (!o->certificate && enrol_is_installed(o)) {
        (void)printf("enrolled already: thing %s, certificate %s\n", o->thing_name, o->hash);
        return store_in_token(o);
    }
    e = o->certificate ? take_signed(o) : enrol_by_claim(o);
    return e ? e : finish(o);
}

static void done(struct enrol *o)
{
    EVP_PKEY_free(o->key);
    X509_free(o->cert);
    enrol_token_close(o->token);
    crypto_ctx_free(o->crypto);
    secret_free(o->pin);
    free(o->thing_name);
}

int enrol_command(int argc, char **argv)
{
    struct enrol o = { 0 };
    err_t e;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(enrol_usage, stdout) < 0;
    if (enrol_options(&o, argc, argv)) {
        (void)fprintf(stderr, "sedgectl enrol: %s\n%s", o.why, enrol_usage);
        secret_free(o.pin);
        return 2;
    }
    if ((e = run(&o)))
        (void)fprintf(stderr, "sedgectl enrol: %s\nRun the same command again to go on.\n",
                      o.why[0] ? o.why : err_str(e));
    done(&o);
    return e ? 1 : 0;
}
