/* sedgectl doctor: options, the order of the checks, how findings are told. */
#include "cli/doctor.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RESULT_MAX = 64 * 1024 };

static const char usage[] =
    "usage: sedgectl doctor [OPTION...]\n"
    "\n"
    "Looks at each thing a core's identity stands on, from the bus to the cloud, and prints a line each: OK, "
    "WARN,\n"
    "FAIL or SKIP (an earlier failure is in the way, or there is nothing to look at), and what to do.\n"
    "\n"
    "  --root DIR      the core's root, whose config/config.json is read (default: /greengrass)\n"
    "  --port PORT     where the chip is (default: EX_SSS_BOOT_SSS_PORT, or as configured)\n"
    "  --module FILE   the PKCS#11 module (default: P11Provider of config.json, or ours)\n"
    "  --label TEXT    the token's label (default: slotLabel of config.json)\n"
    "  --pin-file FILE a closed file with the PIN (default: slotUserPin of config.json, or pin in se.conf)\n"
    "  --key LABEL     the key, by its PKCS#11 label (default: the one config.json names)\n"
    "  --cert FILE     the certificate that belongs to it (default: the one config.json names)\n"
    "  --json          print the findings as JSON\n";

const struct doctor_check doctor_checks[] = {
    { "config", doctor_config }, { "bus", doctor_bus },
    { "keyd", doctor_keyd },     { "chip", doctor_chip },
    { "applet", doctor_applet }, { "channel", doctor_channel },
    { "token", doctor_token },   { "pin", doctor_pin },
    { "key", doctor_key },       { "certificate", doctor_certificate },
    { "clock", doctor_clock },   { "cloud", doctor_cloud },
};
const size_t doctor_check_count = ARRAY_LEN(doctor_checks);

/* ---- findings ---- */

static void leave(struct doctor_finding *f, enum doctor_status status, const char *remedy, const char *fmt,
                  va_list ap) __attribute__((format(printf, 4, 0)));
static void leave(struct doctor_finding *f, enum doctor_status status, const char *remedy, const char *fmt,
                  va_list ap)
{
    f->status = status;
    (void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
    (void)snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
    for (char *p = f->text; *p; p++) /* one line each, whatever a chip or a certificate said */
        if ((unsigned char)*p < ' ')
            *p = ' ';
}

#define LEAVE(status, remedy)              \
    va_list ap;                            \
    va_start(ap, fmt);                     \
    leave(f, (status), (remedy), fmt, ap); \
    va_end(ap)

void doctor_ok(struct doctor_finding *f, const char *fmt, ...)
{
    LEAVE(DOCTOR_OK, "");
}

void doctor_skip(struct doctor_finding *f, const char *fmt, ...)
{
    LEAVE(DOCTOR_SKIP, "");
}

void doctor_warn(struct doctor_finding *f, const char *remedy, const char *fmt, ...)
{
    LEAVE(DOCTOR_WARN, remedy);
}

void doctor_fail(struct doctor_finding *f, const char *remedy, const char *fmt, ...)
{
    LEAVE(DOCTOR_FAIL, remedy);
}

void doctor_remedy(struct doctor_finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(f->remedy, sizeof(f->remedy), fmt, ap);
    va_end(ap);
}

static const char *const status_names[] = {
    [DOCTOR_OK] = "OK", [DOCTOR_SKIP] = "SKIP", [DOCTOR_WARN] = "WARN", [DOCTOR_FAIL] = "FAIL"
};

static void print_line(const struct doctor_finding *f)
{
    printf("%-5s %-12s %s%s%s\n", status_names[f->status], f->check, f->text, f->remedy[0] ? "; " : "",
           f->remedy);
    (void)fflush(stdout); /* the next check may take its time */
}

static json_t *finding_json(const struct doctor_finding *f)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "check", f->check, "status", status_names[f->status], "text",
                     f->text, "remedy", f->remedy);
}

static int print_json(json_t *list, enum doctor_status worst)
{
    auto_json *j = json_pack("{s:o,s:s}", "checks", list, "worst", status_names[worst]);
    autobuf text = BUF_INIT(RESULT_MAX);

    if (!j || json_write(&text, j, 2) || printf("%s\n", buf_str(&text)) < 0) {
        (void)fprintf(stderr, "sedgectl doctor: the findings cannot be printed\n");
        return 1;
    }
    return worst == DOCTOR_FAIL;
}

static int run(struct doctor *d, bool json)
{
    enum doctor_status worst = DOCTOR_OK;
    json_t *list = json_array();

    for (size_t i = 0; i < doctor_check_count; i++) {
        struct doctor_finding f = { .check = doctor_checks[i].name };

        doctor_checks[i].run(d, &f);
        if (!json)
            print_line(&f);
        (void)json_array_append_new(list, finding_json(&f));
        if (f.status > worst)
            worst = f.status;
    }
    if (json)
        return print_json(list, worst);
    json_decref(list);
    return worst == DOCTOR_FAIL;
}

static void done(struct doctor *d)
{
    EVP_PKEY_free(d->private_key);
    X509_free(d->certificate);
    se_chip_close(d->chip);
    json_decref(d->config);
    free(d->module_path);
    free(d->token_label);
    free(d->key_uri);
    free(d->cert_path);
    free(d->ca_path);
    free(d->host);
    secret_free(d->pin);
    crypto_ctx_free(d->crypto);
}

/* ---- options ---- */

static int wrong(const char *word, const char *what)
{
    (void)fprintf(stderr, "sedgectl doctor: %s %s\n%s", word, what, usage);
    return 2;
}

static int parse(struct doctor *d, int argc, char **argv, bool *json)
{
    const struct {
        const char *name;
        const char **to;
    } options[] = { { "--root", &d->root },        { "--port", &d->port }, { "--module", &d->module },
                    { "--label", &d->label },      { "--key", &d->key },   { "--cert", &d->cert },
                    { "--pin-file", &d->pin_file } };

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        if (strcmp(argv[i], "--json") == 0) {
            *json = true;
            continue;
        }
        while (k < ARRAY_LEN(options) && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k == ARRAY_LEN(options))
            return wrong(argv[i], "is no option");
        if (i + 1 == argc)
            return wrong(argv[i], "needs a value");
        *options[k].to = argv[++i];
    }
    return 0;
}

int doctor_command(int argc, char **argv)
{
    struct doctor d = { 0 };
    bool json = false;
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    status = parse(&d, argc, argv, &json);
    if (status)
        return status;
    if (d.port && setenv("EX_SSS_BOOT_SSS_PORT", d.port, 1)) /* for the PKCS#11 module in this process */
        return 1;
    if (crypto_ctx_new(NULL, &d.crypto)) {
        (void)fprintf(stderr, "sedgectl doctor: OpenSSL cannot be used\n");
        return 1;
    }
    status = run(&d, json);
    done(&d);
    return status;
}
