#include "../../cm.h"

#include "base/file.h"
#include "base/mem.h"
#include "cloud/auth/accesskeys.h"

#include <string.h>
#include <sys/stat.h>

struct scene {
    struct crypto_ctx *crypto;
    char dir[64], path[100];
};

static int setup(void **state)
{
    struct scene *s = mem_calloc(1, sizeof(*s));

    strcpy(s->dir, "/tmp/sedge-keys-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(s->path, sizeof(s->path), "%s/admin-credentials", s->dir);
    assert_int_equal(crypto_ctx_new(NULL, &s->crypto), ERR_OK);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    crypto_ctx_free(s->crypto);
    assert_int_equal(file_remove_tree(s->dir), ERR_OK);
    free(s);
    return 0;
}

#define ACCOUNT "123456789012"

/* *k stays NULL on failure. */
static err_t load(struct scene *s, struct access_keys **k, bool *made, char why[512])
{
    struct access_keys *got = NULL;
    err_t e;

    assert_int_equal(access_keys_new(s->crypto, &got), ERR_OK);
    if ((e = access_keys_load(got, s->path, ACCOUNT, made, why, 512))) {
        access_keys_free(got);
        return e;
    }
    *k = got;
    return ERR_OK;
}

static void made_once(void **state)
{
    struct scene *s = *state;
    struct access_keys *k = NULL;
    autobuf first = BUF_INIT(4096), second = BUF_INIT(4096);
    struct stat st;
    char why[512], id[21];
    bool made = false;

    assert_int_equal(load(s, &k, &made, why), ERR_OK);
    assert_true(made);
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(s->path, &first), ERR_OK);
    assert_int_equal(sscanf(buf_str(&first), "[default]\naws_access_key_id = %20s", id), 1);
    assert_int_equal(strlen(id), 20);
    assert_int_equal(secret_len(access_keys_find(k, id)->secret), 40);
    assert_string_equal(access_keys_find(k, id)->account, ACCOUNT);
    assert_null(access_keys_find(k, "AKIA"));
    access_keys_free(k);
    assert_int_equal(load(s, &k, &made, why), ERR_OK);
    assert_false(made);
    assert_int_equal(file_read(s->path, &second), ERR_OK);
    assert_true(slice_eq(buf_slice(&first), buf_slice(&second)));
    access_keys_free(k);
}

static const struct {
    const char *text;
    size_t keys;
} files[] = {
    { "[default]\naws_access_key_id=A\naws_secret_access_key=b\n", 1 },
    { "# c\n\n[a]\r\n aws_access_key_id = A \r\naws_secret_access_key = b\nregion = "
      "x\n[b]\naws_access_key_id=B\naws_secret_access_key=c",
      2 },
    { "", 0 },
    { "nonsense\n", 0 },
    { "aws_access_key_id=A\n", 0 },
    { "aws_secret_access_key=b\n", 0 },
    { "aws_access_key_id=\naws_secret_access_key=b\n", 0 },
};

static void files_of_people(void **state)
{
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct access_keys *k = NULL;
        char why[512] = "";
        bool made;
        print_message("  %zu\n", i);
        assert_int_equal(file_write_durable(s->path, slice_str(files[i].text), 0600), ERR_OK);
        assert_int_equal(load(s, &k, &made, why), files[i].keys ? ERR_OK : ERR_INVALID);
        if (files[i].keys)
            assert_non_null(access_keys_find(k, "A"));
        else
            assert_non_null(strstr(why, s->path));
        assert_true(files[i].keys < 2 || access_keys_find(k, "B"));
        access_keys_free(k);
    }
}

static void open_to_others(void **state)
{
    struct scene *s = *state;
    struct access_keys *k = NULL;
    char why[512] = "";
    bool made;

    assert_int_equal(file_write_durable(s->path, slice_str(files[0].text), 0644), ERR_OK);
    assert_int_equal(load(s, &k, &made, why), ERR_DENIED);
    assert_non_null(strstr(why, "chmod 600"));
    assert_null(k);
}

static void write_role(struct scene *s, const char *text)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/roles", s->dir);
    assert_int_equal(file_mkdirs(path, 0700), ERR_OK);
    (void)snprintf(path, sizeof(path), "%s/roles/Reader.json", s->dir);
    assert_int_equal(file_write_durable(path, slice_str(text), 0600), ERR_OK);
}

/* What becomes of a token: at its end, for another key id, with any byte changed, after a role lost its
 * policy. */
static void tokens(void **state)
{
    struct scene *s = *state;
    struct access_keys *k = NULL;
    struct session mine = { .account = ACCOUNT, .role = "Reader", .cert_id = "c", .expires_ms = 1000 };
    const struct session *session = NULL;
    const struct access_key *key = NULL;
    autobuf secret = BUF_SECRET(64), token = BUF_SECRET(SESSION_TOKEN_MAX);
    char why[512];

    assert_int_equal(access_keys_new(s->crypto, &k), ERR_OK);
    assert_int_equal(access_keys_sessions(k, s->dir, ACCOUNT, why, sizeof(why)), ERR_OK);
    write_role(s, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
                  "\"Resource\":\"*\"}]}");
    assert_int_equal(
        session_make(s->crypto, secret_expose_bytes(access_keys_session_key(k)), &mine, &secret, &token),
        ERR_OK);
    assert_int_equal(access_keys_of_token(k, mine.id, buf_slice(&token), 999, &key, &session), ERR_OK);
    assert_true(secret_eq(key->secret, buf_slice(&secret)));
    assert_int_equal(secret.n, 40);
    assert_string_equal(session->cert_id, "c");
    assert_int_equal(access_keys_of_token(k, mine.id, buf_slice(&token), 1000, &key, &session), ERR_TIMEOUT);
    assert_int_equal(access_keys_of_token(k, "ASIAAAAAAAAAAAAAAAAA", buf_slice(&token), 0, &key, &session),
                     ERR_AUTH);
    assert_int_equal(
        access_keys_of_token(k, mine.id, slice_head(buf_slice(&token), token.n - 4), 0, &key, &session),
        ERR_AUTH);
    for (size_t i = 0; i + 4 < token.n; i++) {
        uint8_t was = token.p[i];
        token.p[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(access_keys_of_token(k, mine.id, buf_slice(&token), 0, &key, &session), ERR_AUTH);
        token.p[i] = was;
    }
    write_role(s, "{}");
    assert_int_equal(access_keys_of_token(k, mine.id, buf_slice(&token), 0, &key, &session), ERR_NOT_FOUND);
    access_keys_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(files_of_people, setup, teardown),
        cmocka_unit_test_setup_teardown(open_to_others, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
