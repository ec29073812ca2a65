/* The state file on a real disk: kept, locked, compacted, private. */
#include "../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "vse/store.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/vse-store.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/state", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder) != ERR_OK;
}

static char seen[256];

static err_t note(void *ctx, uint8_t kind, uint32_t id, struct slice value)
{
    size_t n = strlen(seen);

    (void)ctx;
    snprintf(seen + n, sizeof(seen) - n, "%u:%u=%.*s ", kind, (unsigned)id, SLICE_FMT(slice_head(value, 8)));
    return ERR_OK;
}

static struct vse_store *reopen(struct vse_store *old)
{
    struct vse_store *s = NULL;

    vse_store_close(old);
    seen[0] = 0;
    assert_int_equal(vse_store_open(path, note, NULL, &s), ERR_OK);
    return s;
}

static void put(struct vse_store *s, uint32_t id, struct slice value)
{
    struct vse_nvm_op op = { .put = true, .kind = VSE_NVM_OBJECT, .id = id, .value = value };

    assert_int_equal(vse_store_apply(s, &op, 1), ERR_OK);
}

static void entries_survive(void **state)
{
    struct vse_store *s = reopen(NULL);
    struct vse_nvm_op both[] = {
        { .kind = VSE_NVM_OBJECT, .id = 1 },
        { .put = true, .kind = VSE_NVM_CURVE, .id = 1, .value = SLICE_LIT("c") },
        { .kind = VSE_NVM_OBJECT, .id = 99 }, /* deleting what is not there is no error */
    };
    struct stat st;
    (void)state;

    assert_string_equal(seen, "");
    put(s, 1, SLICE_LIT("a"));
    put(s, 2, SLICE_LIT("b"));
    put(s, 1, SLICE_LIT("A"));
    s = reopen(s);
    assert_string_equal(seen, "1:1=A 1:2=b ");
    assert_int_equal(vse_store_apply(s, both, ARRAY_LEN(both)), ERR_OK);
    s = reopen(s);
    assert_string_equal(seen, "1:2=b 2:1=c ");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    vse_store_close(s);
}

static void one_at_a_time_but_anybody_may_peek(void **state)
{
    struct vse_store *s = reopen(NULL), *second = (struct vse_store *)1;
    (void)state;

    put(s, 5, SLICE_LIT("x"));
    seen[0] = 0;
    assert_int_equal(vse_store_open(path, note, NULL, &second), ERR_BUSY);
    assert_ptr_equal(second, (struct vse_store *)1);
    assert_int_equal(vse_store_peek(path, note, NULL), ERR_OK);
    assert_string_equal(seen, "1:5=x ");
    vse_store_close(s);
    assert_int_equal(vse_store_peek("/nowhere/state", note, NULL), ERR_NOT_FOUND);
}

static void compaction_keeps_everything_and_the_lock(void **state)
{
    static char big[20000];
    struct vse_store *s = reopen(NULL), *second;
    struct stat st;
    (void)state;

    memset(big, 'x', sizeof(big));
    put(s, 1, SLICE_LIT("kept"));
    for (unsigned i = 0; i < 100; i++) {
        big[0] = (char)('A' + i % 26);
        put(s, 2, SLICE_ARRAY(big));
    }
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 400 * 1024); /* two megabytes were written */
    assert_int_equal(vse_store_open(path, note, NULL, &second), ERR_BUSY);
    s = reopen(s);
    assert_string_equal(seen, "1:1=kept 1:2=Vxxxxxxx ");
    vse_store_close(s);
}

static void a_torn_tail_is_cut_off(void **state)
{
    struct vse_store *s = reopen(NULL);
    FILE *f;
    (void)state;

    put(s, 1, SLICE_LIT("a"));
    vse_store_close(s);
    f = fopen(path, "ab");
    assert_non_null(f);
    fputs("half a record", f);
    fclose(f);
    s = reopen(NULL);
    assert_string_equal(seen, "1:1=a ");
    put(s, 2, SLICE_LIT("b"));
    s = reopen(s);
    assert_string_equal(seen, "1:1=a 1:2=b ");
    vse_store_close(s);
}

static void an_unfinished_compaction_leaves_no_keys_about(void **state)
{
    autofree char *left = mem_printf("%s.new.4711", path), *other = mem_printf("%s.newer", path);
    struct vse_store *s;
    (void)state;

    assert_int_equal(file_write_durable(left, SLICE_LIT("keys"), 0600), ERR_OK);
    assert_int_equal(file_write_durable(other, SLICE_LIT("not ours"), 0600), ERR_OK);
    s = reopen(NULL);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(access(other, F_OK), 0);
    vse_store_close(s);
}

static void refused_files_are_not_touched(void **state)
{
    static const struct slice contents[] = { SLICE_LIT(""), SLICE_LIT("SEDGEVSE"),
                                             SLICE_LIT("something else\n") };
    struct vse_store *s;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        autobuf after = BUF_INIT(1000);
        assert_int_equal(file_write_durable(path, contents[i], 0600), ERR_OK);
        assert_int_equal(vse_store_open(path, note, NULL, &s), ERR_CORRUPT);
        assert_int_equal(vse_store_peek(path, note, NULL), ERR_CORRUPT);
        assert_int_equal(file_read(path, &after), ERR_OK);
        assert_true(slice_eq(buf_slice(&after), contents[i]));
    }
    assert_int_equal(file_write_durable(path, contents[2], 0640), ERR_OK);
    assert_int_equal(vse_store_open(path, note, NULL, &s), ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_survive, setup, teardown),
        cmocka_unit_test_setup_teardown(one_at_a_time_but_anybody_may_peek, setup, teardown),
        cmocka_unit_test_setup_teardown(compaction_keeps_everything_and_the_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_tail_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unfinished_compaction_leaves_no_keys_about, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_files_are_not_touched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
