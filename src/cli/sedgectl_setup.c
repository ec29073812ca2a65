#include "cli/sedgectl_setup.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/sedgectl_aws.h"
#include "cli/sedgectl_config.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "http/uri.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

#define KEYS_MAX 65536u
#define ARCHIVE_MAX 262144u
#define HASH_LEN 10

static const char usage[] =
    "usage: sedgectl setup-archive --thing NAME --keys FILE --endpoint URL --out DIR\n"
    "\n"
    "Writes DIR/<hash>-setup.tar.gz, mode 0600: config/config.json and certs/<hash>.cert.pem, .private.key, "
    ".public.key, as the\n"
    "V1 console handed it out. Unpack it in the core's root.\n"
    "\n"
    "  --thing NAME    the core's thing, which must exist and have the certificate attached\n"
    "  --keys FILE     what `aws iot create-keys-and-certificate` printed\n"
    "  --endpoint URL  the cloud's control plane: http://localhost:4566\n"
    "  --out DIR       where the archive goes\n"
    "\n"
    "Credentials and region as the AWS tools find them: AWS_SHARED_CREDENTIALS_FILE, AWS_ACCESS_KEY_ID, "
    "AWS_DEFAULT_REGION, ...\n";

struct setup {
    const char *thing, *keys_path, *endpoint, *out;
    struct crypto_ctx *crypto;
    struct aws_account account;
    json_t *keys;
    const char *cert_pem, *private_pem, *public_pem, *cert_arn; /* of keys */
    char cert_id[CRYPTO_SHA256_HEX], hash[HASH_LEN + 1];
    char *thing_arn, *host;
    unsigned mqtt_port, https_port;
    char why[AWS_WHY_MAX];
};

#define FAIL(s, e, ...) ((void)snprintf((s)->why, sizeof((s)->why), __VA_ARGS__), (e))

static err_t parse_args(struct setup *s, int argc, char **argv)
{
    struct {
        const char *name;
        const char **to;
    } options[] = { { "--thing", &s->thing },
                    { "--keys", &s->keys_path },
                    { "--endpoint", &s->endpoint },
                    { "--out", &s->out } };

    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < ARRAY_LEN(options) && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k == ARRAY_LEN(options) || i + 1 == argc)
            return FAIL(s, ERR_INVALID, "%s %s", argv[i],
                        k == ARRAY_LEN(options) ? "is no option" : "needs a value");
        *options[k].to = argv[i + 1];
    }
    for (size_t k = 0; k < ARRAY_LEN(options); k++) {
        if (!*options[k].to || !**options[k].to)
            return FAIL(s, ERR_INVALID, "%s is required", options[k].name);
    }
    return ERR_OK;
}

/* ---- the keys ---- */

static err_t check_pair(struct setup *s)
{
    auto_x509 X509 *cert = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    struct crypto_error why = { .text = "" };
    err_t e;

    if ((e = crypto_cert_parse_pem(s->crypto, slice_str(s->cert_pem), &cert, &why)) ||
        (e = crypto_key_parse_pem(s->crypto, slice_str(s->private_pem), &key, &why)) ||
        (e = crypto_cert_matches_key(cert, key, &why)))
        return FAIL(s, e, "%s: %.800s", s->keys_path, why.text);
    if ((e = crypto_cert_id(s->crypto, cert, s->cert_id)))
        return e;
    (void)snprintf(s->hash, sizeof(s->hash), "%.10s", s->cert_id);
    return ERR_OK;
}

static err_t read_keys(struct setup *s)
{
    autobuf text = BUF_SECRET(KEYS_MAX);
    struct json_where where;
    const json_t *pair;
    err_t e = file_read(s->keys_path, &text);

    if (e)
        return FAIL(s, e, "cannot read %s: %s", s->keys_path, err_str(e));
    if (json_parse(buf_slice(&text), 8, &s->keys, &where))
        return FAIL(s, ERR_INVALID, "%s: line %d, column %d: %s", s->keys_path, where.line, where.column,
                    where.text);
    pair = json_get_obj(s->keys, "keyPair");
    s->cert_pem = json_get_str(s->keys, "certificatePem");
    s->cert_arn = json_get_str(s->keys, "certificateArn");
    s->private_pem = json_get_str(pair, "PrivateKey");
    s->public_pem = json_get_str(pair, "PublicKey");
    if (!s->cert_pem || !s->cert_arn || !s->private_pem || !s->public_pem)
        return FAIL(s, ERR_INVALID,
                    "%s is not the answer of create-keys-and-certificate: certificateArn, certificatePem, "
                    "keyPair.PrivateKey and keyPair.PublicKey are expected",
                    s->keys_path);
    return check_pair(s);
}

/* ---- the cloud ---- */

static err_t get(struct setup *s, const char *path, json_t **ret)
{
    return aws_get(s->crypto, &s->account, s->endpoint, path, ret, s->why);
}

static err_t check_thing(struct setup *s, const char *path)
{
    auto_json *thing = NULL;
    const char *arn;
    err_t e = get(s, path, &thing);

    if (e == ERR_NOT_FOUND)
        return FAIL(s, e, "the thing %s does not exist in %s: create it first (aws iot create-thing)",
                    s->thing, s->endpoint);
    if (e)
        return e;
    if (!(arn = json_get_str(thing, "thingArn")))
        return FAIL(s, ERR_PROTO, "%s answered DescribeThing without a thingArn", s->endpoint);
    return (s->thing_arn = mem_strdup(arn)) ? ERR_OK : ERR_NOMEM;
}

static err_t check_attached(struct setup *s, const char *thing_path)
{
    autofree char *path = mem_printf("%s/principals", thing_path);
    auto_json *answer = NULL;
    json_t *arn;
    size_t i;
    err_t e = path ? get(s, path, &answer) : ERR_NOMEM;

    if (e)
        return e;
    json_array_foreach(json_get_arr(answer, "principals"), i, arn)
    {
        const char *text = json_string_value(arn), *id = text ? strrchr(text, '/') : NULL;
        if (id && strcmp(id + 1, s->cert_id) == 0)
            return ERR_OK;
    }
    return FAIL(
        s, ERR_NOT_FOUND,
        "the certificate in %s is not attached to the thing %s: aws iot attach-thing-principal --thing-name "
        "%s --principal %s",
        s->keys_path, s->thing, s->thing, s->cert_arn);
}

/* The host as AWS tells it; the ports from a Sedge cloud, which may use others than 8883 and 8443 (EC-16). */
static err_t find_endpoints(struct setup *s)
{
    auto_json *endpoint = NULL, *ports = NULL;
    char ignored[AWS_WHY_MAX];
    const char *host;
    err_t e = get(s, "/endpoint?endpointType=iot%3AData-ATS", &endpoint);

    if (e)
        return e;
    if (!(host = json_get_str(endpoint, "endpointAddress")))
        return FAIL(s, ERR_PROTO, "%s answered DescribeEndpoint without an endpointAddress", s->endpoint);
    if (aws_get(s->crypto, NULL, s->endpoint, "/sedge/endpoints", &ports, ignored))
        ports = NULL; /* another cloud: the standard ports */
    s->mqtt_port = (unsigned)json_get_int(ports, "mqttPort", 8883);
    s->https_port = (unsigned)json_get_int(ports, "httpsPort", 8443);
    return (s->host = mem_strdup(host)) ? ERR_OK : ERR_NOMEM;
}

static err_t ask_cloud(struct setup *s)
{
    autobuf path = BUF_INIT(1024);
    err_t e;

    if ((e = aws_account_find(&s->account, s->why)) || (e = buf_add_str(&path, "/things/")) ||
        (e = http_percent_encode(&path, slice_str(s->thing), false)) ||
        (e = check_thing(s, buf_str(&path))) || (e = check_attached(s, buf_str(&path))))
        return e;
    return find_endpoints(s);
}

/* ---- the archive ---- */

static err_t add_file(struct archive *a, const char *folder, const char *hash, const char *name, mode_t mode,
                      struct slice bytes)
{
    autofree char *path = mem_printf("%s/%s%s", folder, hash, name);
    struct archive_entry *entry = archive_entry_new();
    bool ok = path && entry;

    if (ok) {
        archive_entry_set_pathname(entry, path);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, mode);
        archive_entry_set_size(entry, (la_int64_t)bytes.n);
        archive_entry_set_mtime(entry, (time_t)(clock_wall_ms() / 1000), 0);
        ok = archive_write_header(a, entry) == ARCHIVE_OK &&
             archive_write_data(a, bytes.p, bytes.n) == (la_ssize_t)bytes.n;
    }
    archive_entry_free(entry);
    return ok ? ERR_OK : ERR_IO;
}

static err_t fill(const struct setup *s, struct archive *a, struct slice config)
{
    err_t e;

    if ((e = add_file(a, "config", "", "config.json", 0600, config)) ||
        (e = add_file(a, "certs", s->hash, ".cert.pem", 0644, slice_str(s->cert_pem))) ||
        (e = add_file(a, "certs", s->hash, ".private.key", 0600, slice_str(s->private_pem))))
        return e;
    return add_file(a, "certs", s->hash, ".public.key", 0644, slice_str(s->public_pem));
}

/* The archive in memory that is wiped afterwards, so that the file appears whole or not at all. */
static err_t pack(struct setup *s, struct slice config, struct buf *out)
{
    struct archive *a = archive_write_new();
    size_t used = 0;
    err_t e = a ? buf_reserve(out, ARCHIVE_MAX) : ERR_NOMEM;

    if (!e &&
        (archive_write_add_filter_gzip(a) != ARCHIVE_OK || archive_write_set_format_ustar(a) != ARCHIVE_OK ||
         archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
         archive_write_open_memory(a, out->p, ARCHIVE_MAX, &used) != ARCHIVE_OK))
        e = ERR_IO;
    if (!e)
        e = fill(s, a, config);
    if (!e && archive_write_close(a) != ARCHIVE_OK)
        e = ERR_IO;
    archive_write_free(a);
    if (e)
        return FAIL(s, e, "the archive cannot be put together: %s", err_str(e));
    out->n = used;
    return ERR_OK;
}

static err_t write_archive(struct setup *s)
{
    struct core_config config = { s->hash, s->thing_arn, s->host, s->host, s->mqtt_port, s->https_port };
    autofree char *path = mem_printf("%s/%s-setup.tar.gz", s->out, s->hash);
    autobuf text = BUF_INIT(8192), packed = BUF_SECRET(ARCHIVE_MAX);
    err_t e;

    if (!path)
        return ERR_NOMEM;
    if ((e = core_config_write(&config, &text)) || (e = pack(s, buf_slice(&text), &packed)))
        return e;
    if ((e = file_mkdirs(s->out, 0700)) || (e = file_write_durable(path, buf_slice(&packed), 0600)))
        return FAIL(s, e, "cannot write %s: %s", path, err_str(e));
    return printf("%s\n", path) < 0 ? ERR_IO : ERR_OK;
}

static err_t run(struct setup *s)
{
    err_t e;

    if ((e = crypto_ctx_new(NULL, &s->crypto)) || (e = read_keys(s)) || (e = ask_cloud(s)))
        return e;
    return write_archive(s);
}

static void done(struct setup *s)
{
    aws_account_done(&s->account);
    json_decref(s->keys);
    crypto_ctx_free(s->crypto);
    free(s->thing_arn);
    free(s->host);
}

int setup_archive_command(int argc, char **argv)
{
    struct setup s = { 0 };
    err_t e;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (parse_args(&s, argc, argv)) {
        (void)fprintf(stderr, "sedgectl setup-archive: %s\n%s", s.why, usage);
        return 2;
    }
    if ((e = run(&s)))
        (void)fprintf(stderr, "sedgectl setup-archive: %s\n", s.why[0] ? s.why : err_str(e));
    done(&s);
    return e ? 1 : 0;
}
