/* Stage, switch, commit, roll back, and what a crash at each of these places leaves. */
#include "../../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/store.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct store *s;
static const struct gda_ref d1 = { "d1", "g", "v1", "NewDeployment" };
static const struct gda_ref d2 = { "d2", "g", "v2", "NewDeployment" };

static int setup(void **state)
{
    struct problem why;

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/sedge-store-XXXXXX");
    return mkdtemp(dir) && store_open(dir, &s, &why) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(s);
    return file_remove_tree(dir) ? -1 : 0;
}

static bool there(const char *name)
{
    autofree char *path = mem_printf("%s/%s", dir, name);

    return access(path, F_OK) == 0;
}

static void group_is(const char *want, const char *deployment)
{
    autobuf text = BUF_INIT(1000);
    struct gda_ref running;
    struct problem why;

    assert_int_equal(store_read_group(s, &text, &why), ERR_OK);
    assert_string_equal(buf_str(&text), want);
    store_read_running(s, &running);
    assert_string_equal(running.deployment_id, deployment);
}

static void stage(const char *text)
{
    struct problem why;

    assert_int_equal(store_begin(s, &why), ERR_OK);
    assert_int_equal(store_put(s, "group.json", slice_str(text), &why), ERR_OK);
}

static void deploy(const struct gda_ref *ref, const char *text)
{
    struct problem why;

    stage(text);
    assert_int_equal(store_switch(s, ref, &why), ERR_OK);
    assert_int_equal(store_commit(s, &why), ERR_OK);
}

static void starts_with_an_empty_group(void **state)
{
    (void)state;
    group_is("{}\n", "");
}

static mode_t mode_of(const char *name)
{
    autofree char *path = mem_printf("%s/%s", dir, name);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

/* A group holds its functions' environment variables. */
static void others_read_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mode_of("deployment/group"), 0700);
        assert_int_equal(mode_of("deployment/group/group.json"), 0600);
        deploy(&d1, "one");
    }
    assert_int_equal(mode_of("deployment/group/deployment.json"), 0600);
    stage("two");
    assert_int_equal(mode_of("deployment/staging/group"), 0700);
    assert_int_equal(mode_of("deployment/lambda"), 0755); /* the functions' users read their code */
}

/* V1's places are links into the one folder that is exchanged. */
static void group_and_code_switch_together(void **state)
{
    autofree char *code = NULL;
    struct problem why;

    (void)state;
    assert_string_equal(store_code_dir(s) + strlen(dir), "/deployment/lambda");
    for (int i = 0; i < 2; i++) {
        stage(i ? "two" : "one");
        free(code);
        code = store_staged_code(s, i ? "f:2" : "f:1");
        assert_int_equal(mkdir(code, 0755), 0);
        assert_int_equal(store_switch(s, i ? &d2 : &d1, &why), ERR_OK);
        assert_true(there(i ? "deployment/lambda/f:2" : "deployment/lambda/f:1"));
        assert_false(there(i ? "deployment/lambda/f:1" : "deployment/lambda/f:2"));
        group_is(i ? "two" : "one", i ? "d2" : "d1");
        if (i)
            break;
        assert_int_equal(store_commit(s, &why), ERR_OK);
    }
    assert_int_equal(store_rollback(s, &why), ERR_OK);
    assert_true(there("deployment/lambda/f:1"));
    assert_false(there("deployment/lambda/f:2"));
    group_is("one", "d1");
}

static void write_file(const char *name, const char *text)
{
    autofree char *path = mem_printf("%s/%s", dir, name);

    assert_int_equal(file_write_durable(path, slice_str(text), 0600), ERR_OK);
}

static void remove_name(const char *name)
{
    autofree char *path = mem_printf("%s/%s", dir, name);

    assert_int_equal(file_remove_tree(path), ERR_OK);
}

static void make_folder(const char *name)
{
    autofree char *path = mem_printf("%s/%s", dir, name);

    assert_int_equal(file_mkdirs(path, 0700), ERR_OK);
}

static void write_ref(const char *name, const struct gda_ref *ref)
{
    autobuf text = BUF_INIT(1000);

    assert_int_equal(gda_write_ref(&text, ref), ERR_OK);
    write_file(name, buf_str(&text));
}

static void reopen(struct gda_report *ret)
{
    struct problem why;

    store_close(s);
    s = NULL;
    assert_int_equal(store_open(dir, &s, &why), ERR_OK);
    assert_int_equal(store_recover(s, ret, &why), ERR_OK);
}

/* What the release before this one left: `group` is a folder. */
static void earlier_layout(void)
{
    remove_name("deployment");
    make_folder("deployment/group");
    write_file("deployment/group/group.json", "old");
    write_ref("deployment/group/deployment.json", &d1);
}

static void an_earlier_layout_is_adopted(void **state)
{
    struct gda_report r;

    (void)state;
    earlier_layout();
    reopen(&r);
    assert_int_equal(r.status, GDA_NONE);
    group_is("old", "d1");
    assert_true(there("deployment/group/group.json"));
    assert_true(there("deployment/current/group/group.json"));
    deploy(&d2, "two");
    group_is("two", "d2");
}

/* It went down while d2 was on trial: d1 runs, and d2 begins anew. */
static void an_earlier_layout_on_trial(void **state)
{
    struct gda_report r;

    (void)state;
    earlier_layout();
    write_ref("deployment/group/deployment.json", &d2);
    make_folder("deployment/staging");
    write_file("deployment/staging/group.json", "before");
    write_ref("deployment/staging/deployment.json", &d1);
    write_ref("deployment/switching", &d2);
    reopen(&r);
    assert_int_equal(r.status, GDA_NONE);
    group_is("before", "d1");
    assert_false(there("deployment/staging"));
}

/* Whoever recovers a core may put a folder where the link was. */
static void an_operators_folder_wins(void **state)
{
    struct gda_report r;

    (void)state;
    deploy(&d1, "one");
    remove_name("deployment/group");
    make_folder("deployment/group");
    write_file("deployment/group/group.json", "{}");
    reopen(&r);
    group_is("{}", "");
    deploy(&d2, "two");
    group_is("two", "d2");
}

static void room_is_asked_first(void **state)
{
    struct problem why = { "" };

    (void)state;
    assert_int_equal(store_check_room(s, 4096, &why), ERR_OK);
    assert_int_equal(store_check_room(s, (uint64_t)1 << 60, &why), ERR_NO_SPACE);
    assert_non_null(strstr(why.text, "free some space there"));
}

static void a_nameless_file(void **state)
{
    struct problem why;
    int fd = -1;

    (void)state;
    stage("one");
    assert_int_equal(store_temp(s, &fd, &why), ERR_OK);
    assert_int_equal(write(fd, "x", 1), 1);
    (void)close(fd);
}

static void an_absent_file_is_an_empty_group(void **state)
{
    autofree char *path = mem_printf("%s/deployment/group/group.json", dir);

    (void)state;
    assert_int_equal(unlink(path), 0);
    group_is("{}", "");
}

static void deployments_follow_each_other(void **state)
{
    (void)state;
    deploy(&d1, "one");
    group_is("one", "d1");
    deploy(&d2, "two");
    group_is("two", "d2");
    assert_false(there("deployment/staging"));
    assert_false(there("deployment/switching"));
}

static void staging_changes_nothing(void **state)
{
    (void)state;
    deploy(&d1, "one");
    stage("two");
    group_is("one", "d1");
    store_abandon(s);
    group_is("one", "d1");
    assert_false(there("deployment/staging"));
}

static void rollback_brings_the_previous_back(void **state)
{
    struct problem why;

    (void)state;
    deploy(&d1, "one");
    stage("two");
    assert_int_equal(store_switch(s, &d2, &why), ERR_OK);
    group_is("two", "d2");
    assert_int_equal(store_rollback(s, &why), ERR_OK);
    group_is("one", "d1");
    assert_false(there("deployment/switching"));
}

static void crash(struct gda_report *ret)
{
    struct problem why;

    store_close(s);
    s = NULL;
    assert_int_equal(store_open(dir, &s, &why), ERR_OK);
    assert_int_equal(store_recover(s, ret, &why), ERR_OK);
    assert_false(there("deployment/staging"));
    assert_false(there("deployment/switching"));
}

static void crash_while_staging(void **state)
{
    struct gda_report r = { .status = GDA_SUCCESS };

    (void)state;
    deploy(&d1, "one");
    stage("two");
    crash(&r);
    assert_int_equal(r.status, GDA_NONE);
    group_is("one", "d1");
}

static void crash_on_trial(void **state)
{
    struct gda_report r = { 0 };
    struct problem why;

    (void)state;
    deploy(&d1, "one");
    stage("two");
    assert_int_equal(store_switch(s, &d2, &why), ERR_OK);
    crash(&r);
    assert_int_equal(r.status, GDA_FAILURE);
    assert_string_equal(r.ref.deployment_id, "d2");
    assert_true(r.message[0] != '\0');
    group_is("one", "d1");
}

/* The marker is there, the switch did not happen. */
static void crash_before_the_switch(void **state)
{
    autofree char *marker = mem_printf("%s/deployment/switching", dir);
    struct gda_report r = { 0 };
    autobuf text = BUF_INIT(1000);

    (void)state;
    deploy(&d1, "one");
    stage("two");
    assert_int_equal(gda_write_ref(&text, &d2), ERR_OK);
    assert_int_equal(file_write_durable(marker, buf_slice(&text), 0644), ERR_OK);
    crash(&r);
    assert_int_equal(r.status, GDA_NONE);
    group_is("one", "d1");
}

static void crash_after_commit(void **state)
{
    struct gda_report r = { .status = GDA_FAILURE };

    (void)state;
    deploy(&d2, "two");
    crash(&r);
    assert_int_equal(r.status, GDA_NONE);
    group_is("two", "d2");
}

static void reports_survive(void **state)
{
    struct gda_report in = { .ref = d1, .status = GDA_FAILURE, .message = "why" }, out;
    struct problem why;

    (void)state;
    store_read_report(s, &out);
    assert_int_equal(out.status, GDA_NONE);
    assert_int_equal(store_save_report(s, &in, &why), ERR_OK);
    store_read_report(s, &out);
    assert_int_equal(out.status, GDA_FAILURE);
    assert_string_equal(out.message, "why");
    assert_string_equal(out.ref.deployment_id, "d1");
    store_forget_report(s);
    store_read_report(s, &out);
    assert_int_equal(out.status, GDA_NONE);
}

static void a_failed_write_says_what_and_where(void **state)
{
    struct problem why = { "" };

    (void)state;
    deploy(&d1, "one");
    assert_int_equal(store_put(s, "group.json", SLICE_LIT("x"), &why), ERR_NOT_FOUND); /* no staging folder */
    assert_non_null(strstr(why.text, "cannot write"));
    assert_non_null(strstr(why.text, "staging/group/group.json"));
    group_is("one", "d1");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(starts_with_an_empty_group),
        T(others_read_nothing),
        T(group_and_code_switch_together),
        T(an_earlier_layout_is_adopted),
        T(an_earlier_layout_on_trial),
        T(an_operators_folder_wins),
        T(room_is_asked_first),
        T(a_nameless_file),
        T(an_absent_file_is_an_empty_group),
        T(deployments_follow_each_other),
        T(staging_changes_nothing),
        T(rollback_brings_the_previous_back),
        T(crash_while_staging),
        T(crash_on_trial),
        T(crash_before_the_switch),
        T(crash_after_commit),
        T(reports_survive),
        T(a_failed_write_says_what_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
