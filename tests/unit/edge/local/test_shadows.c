/* The local shadow service: requests by message and by invocation, its files, and disks that fail. */
#include "../../cm.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "edge/local/shadows.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define A "arn:aws:lambda:us-east-1:123456789012:function:a:1"
#define T "$aws/things/dev/shadow/"

struct world {
    char folder[32];
    struct local_shadows *s;
    char said[512]; /* topics without $aws/things/, each followed by a space */
    char last[8192];
};

static void publish(void *ctx, const char *topic, struct slice payload)
{
    struct world *w = ctx;
    size_t n = strlen(w->said);

    assert_int_equal(strncmp(topic, "$aws/things/", 12), 0);
    (void)snprintf(w->said + n, sizeof(w->said) - n, "%s ", topic + 12);
    (void)snprintf(w->last, sizeof(w->last), "%.*s", SLICE_FMT(payload));
}

static void start(struct world *w, size_t max)
{
    struct local_shadows_opts o = { w->folder, max, publish, w };
    struct problem why = { "" };

    if (local_shadows_new(&o, &w->s, &why))
        fail_msg("%s", why.text);
}

static void begin(struct world *w, size_t max)
{
    *w = (struct world){ .folder = "/tmp/sedge-shadows-XXXXXX" };
    assert_non_null(mkdtemp(w->folder));
    start(w, max);
}

static void restart(struct world *w)
{
    local_shadows_free(w->s);
    start(w, 0);
}

static void end(struct world *w)
{
    local_shadows_free(w->s);
    assert_int_equal(file_remove_tree(w->folder), ERR_OK);
}

static void path_of(const struct world *w, const char *name, char out[160])
{
    (void)snprintf(out, 160, "%s/var/state/shadows/%s", w->folder, name);
}

static err_t message(struct world *w, const char *topic, const char *payload)
{
    w->said[0] = w->last[0] = '\0';
    return local_shadows_message(w->s, slice_str(topic), slice_str(payload));
}

/* A function's request; the answer is in w->last unless something was said. */
static err_t ask(struct world *w, const char *subject, const char *payload, struct buf *answer)
{
    autofree char *json = mem_printf("{\"custom\":{\"subject\":\"%s\"}}", subject);
    autobuf context = BUF_INIT(2000);
    char error[16] = "";
    err_t e;

    w->said[0] = '\0';
    assert_int_equal(base64_encode(&context, slice_str(json)), ERR_OK);
    e = local_shadows_builtin(w->s, A, buf_slice(&context), slice_str(payload), answer, error);
    assert_string_equal(error, ""); /* the SDKs take a refusal from the document */
    return e;
}

static int64_t number_in(const struct buf *b, const char *name)
{
    auto_json *doc = NULL;

    assert_int_equal(json_parse(buf_slice(b), 32, &doc, NULL), ERR_OK);
    return json_get_int(doc, name, -1);
}

/* ---- by message ---- */

static void by_message(void **state)
{
    struct world w;
    (void)state;

    begin(&w, 0);
    assert_int_equal(message(&w, T "get", ""), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/get/rejected ");
    assert_non_null(strstr(w.last, "\"code\":404"));
    assert_int_equal(message(&w, T "update", "{\"state\":{\"desired\":{\"on\":true}}}"), ERR_OK);
    assert_string_equal(w.said,
                        "dev/shadow/update/accepted dev/shadow/update/delta dev/shadow/update/documents ");
    assert_int_equal(message(&w, T "update", "{\"state\":{\"reported\":{\"on\":true}}}"), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/update/accepted dev/shadow/update/documents ");
    assert_int_equal(message(&w, T "get", "{\"clientToken\":\"x\"}"), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/get/accepted ");
    assert_non_null(strstr(w.last, "\"version\":2"));
    assert_non_null(strstr(w.last, "\"clientToken\":\"x\""));
    assert_int_equal(message(&w, T "update", "not JSON"), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/update/rejected ");
    assert_int_equal(message(&w, T "delete", ""), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/delete/accepted ");
    end(&w);
}

static void topics_that_ask_for_nothing(void **state)
{
    static const char *const topics[] = { T "get/accepted",
                                          T "update/delta",
                                          T "name/n/get",
                                          T "gett",
                                          "dev/get",
                                          "",
                                          "$aws/things//shadow/get",
                                          "$aws/things/../shadow/get",
                                          "$aws/things/a/b/shadow/get",
                                          "$aws/things/.json/shadow/get" };
    struct world w;
    (void)state;

    begin(&w, 0);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        autobuf answer = BUF_INIT(1000);
        assert_int_equal(message(&w, topics[i], "{}"), ERR_INVALID);
        assert_int_equal(ask(&w, topics[i], "{}", &answer), ERR_INVALID);
        assert_string_equal(w.said, "");
        assert_int_equal(answer.n, 0);
    }
    end(&w);
}

/* ---- by invocation ---- */

static void by_invocation(void **state)
{
    struct world w;
    autobuf none = BUF_INIT(10000), made = BUF_INIT(10000), got = BUF_INIT(10000), gone = BUF_INIT(10000),
            conflict = BUF_INIT(10000);
    (void)state;

    begin(&w, 0);
    assert_int_equal(ask(&w, T "get", "", &none), ERR_OK);
    assert_int_equal(number_in(&none, "code"), 404);
    assert_string_equal(w.said, ""); /* a question of one function is nobody else's business */
    assert_int_equal(ask(&w, T "update", "{\"state\":{\"desired\":{\"a\":1}}}", &made), ERR_OK);
    assert_int_equal(number_in(&made, "version"), 1);
    assert_string_equal(w.said,
                        "dev/shadow/update/accepted dev/shadow/update/delta dev/shadow/update/documents ");
    assert_int_equal(ask(&w, T "get", "", &got), ERR_OK);
    assert_int_equal(number_in(&got, "version"), 1);
    assert_non_null(strstr(buf_str(&got), "\"desired\":{\"a\":1}"));
    assert_int_equal(ask(&w, T "update", "{\"state\":{},\"version\":7}", &conflict), ERR_OK);
    assert_int_equal(number_in(&conflict, "code"), 409);
    assert_string_equal(w.said, "");
    assert_int_equal(ask(&w, T "delete", "", &gone), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/delete/accepted ");
    end(&w);
}

static void contexts_that_are_none(void **state)
{
    struct world w;
    autobuf answer = BUF_INIT(1000);
    char error[16] = "";
    (void)state;

    begin(&w, 0);
    assert_int_equal(local_shadows_builtin(w.s, A, SLICE_LIT(""), SLICE_LIT(""), &answer, error),
                     ERR_INVALID);
    assert_int_equal(local_shadows_builtin(w.s, A, SLICE_LIT("***"), SLICE_LIT(""), &answer, error),
                     ERR_INVALID);
    end(&w);
}

/* ---- on the disk ---- */

static void kept_over_a_restart(void **state)
{
    struct world w;
    struct stat st;
    char path[160], waste[160];
    autobuf after = BUF_INIT(10000);
    (void)state;

    begin(&w, 0);
    path_of(&w, "dev.json", path);
    path_of(&w, "dev.json.new.77", waste);
    assert_int_equal(message(&w, T "update", "{\"state\":{\"reported\":{\"a\":1}}}"), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_write_durable(waste, SLICE_LIT("half of a"), 0600),
                     ERR_OK); /* killed while writing */
    restart(&w);
    assert_int_equal(stat(waste, &st), -1);
    assert_int_equal(ask(&w, T "get", "", &after), ERR_OK);
    assert_int_equal(number_in(&after, "version"), 1);
    end(&w);
}

/* A deletion keeps the version for 48 hours, and its file no longer. */
static void deletions_are_forgotten(void **state)
{
    struct world w;
    struct stat st;
    char path[160];
    autobuf after = BUF_INIT(10000);
    (void)state;

    begin(&w, 0);
    path_of(&w, "old.json", path);
    assert_int_equal(file_write_durable(path, SLICE_LIT("{\"v\":1,\"version\":9,\"deleted\":1000}"), 0600),
                     ERR_OK);
    assert_int_equal(message(&w, T "update", "{\"state\":{}}"), ERR_OK);
    assert_int_equal(message(&w, T "delete", ""), ERR_OK);
    restart(&w);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(ask(&w, T "update", "{\"state\":{}}", &after), ERR_OK);
    assert_true(number_in(&after, "version") > 1);
    end(&w);
}

/* Set aside, at once and over a restart; its shadow begins anew, those of other things go on. */
static void damaged(const void *bytes, size_t n)
{
    struct world w;
    struct stat st;
    char path[160], aside[160];
    autobuf answer = BUF_INIT(10000), again = BUF_INIT(10000);

    begin(&w, 1);
    path_of(&w, "dev.json", path);
    path_of(&w, "dev.json.damaged", aside);
    assert_int_equal(file_write_durable(path, slice_of(bytes, n), 0600), ERR_OK);
    restart(&w);
    assert_int_equal(ask(&w, T "get", "", &answer), ERR_OK);
    assert_int_equal(number_in(&answer, "code"), 404);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(stat(aside, &st), 0);
    assert_int_equal(st.st_size, n);
    restart(&w);
    assert_int_equal(stat(aside, &st), 0);
    assert_int_equal(ask(&w, T "update", "{\"state\":{}}", &again),
                     ERR_OK); /* it counts as none of the one */
    assert_int_equal(number_in(&again, "version"), 1);
    end(&w);
}

static void a_damaged_file(void **state)
{
    static const char *const texts[] = { "{\"v\":1,", "7", "{\"v\":1}", "\xff\xfe" };
    static char large[300 * 1024];
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        damaged(texts[i], strlen(texts[i]));
    damaged(large, sizeof(large));
}

/* A folder in the way of setting aside: the asker is told, other things' shadows go on. */
static void a_damaged_file_that_stays(void **state)
{
    struct world w;
    char path[160], aside[160];
    autobuf answer = BUF_INIT(10000);
    (void)state;

    begin(&w, 0);
    path_of(&w, "dev.json", path);
    path_of(&w, "dev.json.damaged", aside);
    assert_int_equal(file_write_durable(path, SLICE_LIT("{"), 0600), ERR_OK);
    assert_int_equal(mkdir(aside, 0700), 0);
    assert_int_equal(ask(&w, T "update", "{\"state\":{}}", &answer), ERR_OK);
    assert_int_equal(number_in(&answer, "code"), 500);
    assert_int_equal(message(&w, T "get", ""), ERR_OK);
    assert_string_equal(w.said, "dev/shadow/get/rejected ");
    assert_int_equal(message(&w, "$aws/things/other/shadow/update", "{\"state\":{}}"), ERR_OK);
    assert_non_null(strstr(w.said, "other/shadow/update/accepted"));
    assert_int_equal(rmdir(aside), 0);
    end(&w);
}

static void a_disk_that_fails(void **state)
{
    struct world w;
    char path[160];
    autobuf answer = BUF_INIT(10000);
    (void)state;

    begin(&w, 0);
    path_of(&w, "dev.json", path);
    assert_int_equal(mkdir(path, 0700), 0); /* neither to be read nor replaced */
    assert_int_equal(ask(&w, T "update", "{\"state\":{},\"clientToken\":\"tok\"}", &answer), ERR_OK);
    assert_int_equal(number_in(&answer, "code"), 500);
    assert_non_null(strstr(buf_str(&answer), "\"clientToken\":\"tok\""));
    assert_string_equal(w.said, "");
    end(&w);
}

static void so_many_and_no_more(void **state)
{
    struct world w;
    (void)state;

    begin(&w, 2);
    assert_int_equal(message(&w, "$aws/things/a/shadow/update", "{\"state\":{}}"), ERR_OK);
    assert_int_equal(message(&w, "$aws/things/b/shadow/update", "{\"state\":{}}"), ERR_OK);
    assert_non_null(strstr(w.said, "accepted"));
    assert_int_equal(message(&w, "$aws/things/c/shadow/update", "{\"state\":{}}"), ERR_OK);
    assert_non_null(strstr(w.last, "\"code\":500"));
    assert_int_equal(message(&w, "$aws/things/a/shadow/update", "{\"state\":{}}"), ERR_OK);
    assert_non_null(strstr(w.said, "accepted"));
    end(&w);
}

static void a_folder_that_cannot_be(void **state)
{
    struct local_shadows_opts o = { .write_dir = "/proc/none", .publish = publish };
    struct local_shadows *s = NULL;
    struct problem why = { "" };
    (void)state;

    assert_int_not_equal(local_shadows_new(&o, &s, &why), ERR_OK);
    assert_null(s);
    assert_non_null(strstr(why.text, "/proc/none/var/state/shadows"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_message),
        cmocka_unit_test(topics_that_ask_for_nothing),
        cmocka_unit_test(by_invocation),
        cmocka_unit_test(contexts_that_are_none),
        cmocka_unit_test(kept_over_a_restart),
        cmocka_unit_test(deletions_are_forgotten),
        cmocka_unit_test(a_damaged_file),
        cmocka_unit_test(a_damaged_file_that_stays),
        cmocka_unit_test(a_disk_that_fails),
        cmocka_unit_test(so_many_and_no_more),
        cmocka_unit_test(a_folder_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
