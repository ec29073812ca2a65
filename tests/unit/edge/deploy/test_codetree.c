/* A tree of unpacked code: its digest tells every change, its twin has the same files. EC-27. */
#include "../../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/codetree.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct crypto_ctx *crypto;

static char *at(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(file_write_durable(at(name), slice_str(text), 0644), ERR_OK);
}

static void digest(const char *name, char ret[CRYPTO_SHA256_HEX])
{
    struct problem why;

    if (codetree_digest(crypto, at(name), ret, &why))
        fail_msg("%s", why.text);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/sedge-tree-XXXXXX");
    if (!mkdtemp(dir) || crypto_ctx_new(NULL, &crypto) || file_mkdirs(at("a/sub/empty"), 0755))
        return -1;
    put("a/one", "1");
    put("a/sub/two", "22");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    crypto_ctx_free(crypto);
    return file_remove_tree(dir) ? -1 : 0;
}

static void the_twin_is_the_same(void **state)
{
    char first[CRYPTO_SHA256_HEX], second[CRYPTO_SHA256_HEX];
    struct stat x, y;
    struct problem why;
    autofree char *from = mem_strdup(at("a"));

    (void)state;
    assert_int_equal(codetree_link(from, at("b"), &why), ERR_OK);
    digest("a", first);
    digest("b", second);
    assert_string_equal(first, second);
    assert_int_equal(stat(at("a/sub/two"), &x), 0);
    assert_int_equal(stat(at("b/sub/two"), &y), 0);
    assert_int_equal(x.st_ino, y.st_ino); /* nothing was written */
    assert_int_equal(stat(at("b/sub/empty"), &y), 0);
    assert_int_equal(codetree_link(from, at("b"), &why), ERR_EXISTS);
    assert_int_equal(file_remove_tree(from), ERR_OK); /* the twin lives on */
    digest("b", second);
    assert_string_equal(first, second);
}

static void change_content(void)
{
    put("a/one", "2");
}
static void change_length(void)
{
    put("a/one", "11");
}
static void change_mode(void)
{
    assert_int_equal(chmod(at("a/one"), 0755), 0);
}
static void add_file(void)
{
    put("a/three", "");
}
static void remove_file(void)
{
    assert_int_equal(unlink(at("a/one")), 0);
}
static void rename_file(void)
{
    autofree char *from = mem_strdup(at("a/one"));

    assert_int_equal(rename(from, at("a/uno")), 0);
}
static void add_folder(void)
{
    assert_int_equal(mkdir(at("a/more"), 0755), 0);
}

static void each_change_is_seen(void **state)
{
    static void (*const changes[])(void) = { change_content, change_length, change_mode, add_file,
                                             remove_file,    rename_file,   add_folder };
    char before[CRYPTO_SHA256_HEX], after[CRYPTO_SHA256_HEX];

    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        digest("a", before);
        changes[i]();
        digest("a", after);
        if (strcmp(before, after) == 0)
            fail_msg("change %zu", i);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void what_nobody_unpacked_is_refused(void **state)
{
    char out[CRYPTO_SHA256_HEX] = "untouched";
    struct problem why = { "" };
    autofree char *from = mem_strdup(at("a"));

    (void)state;
    assert_int_equal(symlink("/etc/passwd", at("a/link")), 0);
    assert_int_equal(codetree_digest(crypto, from, out, &why), ERR_INVALID);
    assert_string_equal(out, "untouched");
    assert_non_null(strstr(why.text, "a/link is not a file or folder"));
    assert_int_equal(codetree_link(from, at("b"), &why), ERR_INVALID);
    assert_int_equal(unlink(at("a/link")), 0);
    assert_int_equal(chmod(at("a/one"), 04755), 0);
    assert_int_equal(codetree_digest(crypto, from, out, &why), ERR_INVALID);
    assert_int_equal(codetree_digest(crypto, at("none"), out, &why), ERR_NOT_FOUND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_twin_is_the_same),
        T(each_change_is_seen),
        T(what_nobody_unpacked_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
