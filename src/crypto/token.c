#include "crypto/token.h"

#include "base/mem.h"
#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <pthread.h>
#include <string.h>

/* A token that was asked for: who signs for it, and which PIN it refused. */
struct token {
    struct token *next;
    char *module_path;
    char *slot_label;
    void *module;               /* our own dlopen handle of the module */
    struct secret *refused_pin; /* the last one the token refused */
};

/* libp11 (0.4.12) gives a process one engine, and an engine has one module. From the first key on it stays:
 * keys hold on to its slots. */
static struct {
    pthread_mutex_t lock;
    struct token *first;
    ENGINE *engine;     /* loaded once: libp11 leaks what it allocated when its library is unloaded */
    const char *module; /* path of the module the engine works with now, of a token in the list; NULL: none */
    bool has_keys;
    UI_METHOD *no_prompt;
    int key_index; /* EVP_PKEY ex_data that says which token a key lives in */
} tokens = { .lock = PTHREAD_MUTEX_INITIALIZER, .key_index = -1 };

static void token_free_ptr(struct token **t)
{
    if (!*t)
        return;
    secret_free((*t)->refused_pin);
    free((*t)->module_path);
    free((*t)->slot_label);
    free(*t);
}

/* A daemon has nobody to ask: every prompt fails. libp11 comes here when its own copy of the PIN is gone. */
static int refuse_prompt(UI *ui)
{
    (void)ui;
    return 0;
}

/* By path and LIST_ADD=0: an engine of the process's list would be shared, and could be made a default. */
static ENGINE *engine_new(void)
{
    const char *dir = secure_getenv("OPENSSL_ENGINES");
    autofree char *path = mem_printf("%s/pkcs11.so", dir ? dir : OPENSSL_info(OPENSSL_INFO_ENGINES_DIR));
    ENGINE *e = path ? ENGINE_by_id("dynamic") : NULL;

    if (!e)
        return NULL;
    if (ENGINE_ctrl_cmd_string(e, "SO_PATH", path, 0) && ENGINE_ctrl_cmd_string(e, "LIST_ADD", "0", 0) &&
        ENGINE_ctrl_cmd_string(e, "LOAD", NULL, 0))
        return e;
    ENGINE_free(e);
    return NULL;
}

static err_t engine_load_once(struct crypto_error *why)
{
    if (tokens.engine)
        return ERR_OK;
    ENGINE *engine = engine_new();
    if (!engine)
        return crypto_fail_openssl(why, ERR_UNSUPPORTED,
                                   "cannot load OpenSSL's PKCS#11 engine, which token keys need; install the"
                                   " package libengine-pkcs11-openssl");
    /* QUIET before all else: libp11 writes its failures to standard error. FORCE_LOGIN, because a key that
     * can be seen without login would otherwise hide a wrong PIN until the first signature. */
    if (!ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) ||
        !ENGINE_ctrl_cmd_string(engine, "FORCE_LOGIN", NULL, 0)) {
        ENGINE_free(engine);
        return crypto_fail_openssl(why, ERR_UNSUPPORTED,
                                   "OpenSSL's PKCS#11 engine is of a version we cannot use");
    }
    tokens.engine = engine;
    return ERR_OK;
}

/* Make the engine work with the module of `t`. */
static err_t engine_start(const struct token *t, struct crypto_error *why)
{
    if (tokens.module && strcmp(tokens.module, t->module_path) == 0)
        return ERR_OK;
    if (tokens.module)
        return crypto_fail(
            why, ERR_UNSUPPORTED,
            "this process has keys through the PKCS#11 module %s and cannot use %s beside it; keep"
            " all keys behind one module",
            tokens.module, t->module_path);
    err_t e = engine_load_once(why);
    if (e)
        return e;
    if (!ENGINE_ctrl_cmd_string(tokens.engine, "MODULE_PATH", t->module_path, 0) ||
        !ENGINE_init(tokens.engine))
        return crypto_fail_openssl(why, ERR_UNSUPPORTED,
                                   "cannot set up OpenSSL's PKCS#11 engine for module %s", t->module_path);
    tokens.module = t->module_path;
    return ERR_OK;
}

/* After a failure without keys the next call begins anew: the token that was not there may be there then, and
 * libp11 crashes when told to look again (RE_ENUMERATE) after its own set-up failed. */
static void engine_stop_unused(void)
{
    if (!tokens.module || tokens.has_keys)
        return;
    ENGINE_finish(tokens.engine);
    tokens.module = NULL;
}

static err_t token_new(const struct crypto_token *conf, struct token **ret, struct crypto_error *why)
{
    __attribute__((cleanup(token_free_ptr))) struct token *t = mem_calloc(1, sizeof(*t));
    err_t e;

    if (!t)
        return ERR_NOMEM;
    t->module_path = mem_strdup(conf->module_path);
    t->slot_label = mem_strdup(conf->slot_label);
    if (!t->module_path || !t->slot_label)
        return ERR_NOMEM;
    if ((e = crypto_token_module_open(conf->module_path, &t->module, why)))
        return e;
    *ret = steal(&t);
    return ERR_OK;
}

static err_t token_get(const struct crypto_token *conf, struct token **ret, struct crypto_error *why)
{
    for (struct token *t = tokens.first; t; t = t->next) {
        if (strcmp(t->module_path, conf->module_path) == 0 && strcmp(t->slot_label, conf->slot_label) == 0) {
            *ret = t;
            return ERR_OK;
        }
    }
    struct token *t = NULL;
    err_t e = token_new(conf, &t, why);
    if (e)
        return e;
    t->next = tokens.first;
    tokens.first = t;
    *ret = t;
    return ERR_OK;
}

/* RFC 3986: everything but unreserved characters as %XX, so that libp11's parser sees what ours decoded. */
static err_t add_escaped(struct buf *out, const char *text)
{
    err_t e = ERR_OK;
    for (const char *c = text; !e && *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                     strchr("-._~", *c);
        e = plain ? buf_add_u8(out, (uint8_t)*c) : buf_printf(out, "%%%02x", (unsigned)(uint8_t)*c);
    }
    return e;
}

/* Slot and key by their labels, and no PIN: that one goes by engine control. */
static err_t engine_uri(const struct crypto_p11uri *uri, const char *slot_label, struct buf *out)
{
    err_t e = buf_add_str(out, "pkcs11:token=");

    if (!e)
        e = add_escaped(out, slot_label);
    if (!e)
        e = buf_add_str(out, ";object=");
    if (!e)
        e = add_escaped(out, uri->object);
    for (size_t i = 0; !e && i < uri->id_len; i++)
        e = buf_printf(out, "%s%%%02x", i ? "" : ";id=", (unsigned)uri->id[i]);
    if (!e)
        e = buf_add_str(out, ";type=private");
    return e;
}

/* The CKR_ code of the earliest error that carries one. libp11 files those under a library of that name. */
static unsigned long first_ckr(void)
{
    unsigned long code, found = 0;

    while ((code = ERR_get_error())) {
        const char *lib = ERR_lib_error_string(code);
        if (!found && lib && strcmp(lib, "PKCS#11 module") == 0)
            found = (unsigned long)ERR_GET_REASON(code);
    }
    return found;
}

static void remember_refused(struct token *t, const char *pin)
{
    secret_free(t->refused_pin);
    t->refused_pin = NULL;
    (void)secret_new(slice_str(pin),
                     &t->refused_pin); /* without memory the token's own counter is the guard */
}

static err_t engine_load(struct token *t, const struct crypto_p11uri *uri, const struct crypto_token *conf,
                         const char *pin, EVP_PKEY **ret, struct crypto_error *why)
{
    autobuf text = BUF_INIT(4096);
    err_t e = engine_uri(uri, conf->slot_label, &text);

    if (e)
        return e;
    ERR_clear_error();
    EVP_PKEY *key = ENGINE_ctrl_cmd_string(tokens.engine, "PIN", pin, 0)
                        ? ENGINE_load_private_key(tokens.engine, buf_str(&text), tokens.no_prompt, NULL)
                        : NULL;
    if (key) {
        *ret = key;
        return ERR_OK;
    }
    e = crypto_token_diagnose(t->module, uri, conf, first_ckr(), why);
    if (e == ERR_AUTH)
        remember_refused(t, pin);
    return e;
}

static err_t load_locked(const struct crypto_p11uri *uri, const struct crypto_token *conf, EVP_PKEY **ret,
                         struct crypto_error *why)
{
    const char *pin = uri->pin[0] ? uri->pin : conf->pin;
    struct token *t = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = token_get(conf, &t, why);

    if (e)
        return e;
    if (t->refused_pin && secret_eq(t->refused_pin, slice_str(pin)))
        return crypto_fail(
            why, ERR_AUTH,
            "login to the token with slot label \"%s\" was refused before (wrong PIN) and is not tried"
            " again, because every try counts towards locking it; correct slotUserPin and restart",
            conf->slot_label);
    if ((e = engine_start(t, why)))
        return e;
    e = engine_load(t, uri, conf, pin, &key, why);
    if (!e && !EVP_PKEY_set_ex_data(key, tokens.key_index, t))
        e = ERR_NOMEM;
    if (e) {
        engine_stop_unused();
        return e;
    }
    tokens.has_keys = true;
    *ret = steal(&key);
    return ERR_OK;
}

static void set_up(void)
{
    int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, NULL);

    tokens.no_prompt = UI_create_method("sedge: no prompts");
    if (tokens.no_prompt && UI_method_set_opener(tokens.no_prompt, refuse_prompt) == 0)
        tokens.key_index = index;
}

/* False when there was no memory for it. */
static bool is_set_up(void)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

    return CRYPTO_THREAD_run_once(&once, set_up) && tokens.key_index >= 0;
}

err_t crypto_token_key(const struct crypto_p11uri *uri, const struct crypto_token *token, EVP_PKEY **ret,
                       struct crypto_error *why)
{
    if (!is_set_up())
        return ERR_NOMEM;
    (void)pthread_mutex_lock(&tokens.lock); /* a plain mutex of ours: cannot fail */
    err_t e = load_locked(uri, token, ret, why);
    (void)pthread_mutex_unlock(&tokens.lock);
    return crypto_fail_quiet(e);
}

const void *crypto_key_token(const EVP_PKEY *key)
{
    return is_set_up() ? EVP_PKEY_get_ex_data(key, tokens.key_index) : NULL;
}
