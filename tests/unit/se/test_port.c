/* Port strings and where they come from (architecture, "the command surface"; reference 1.8). */
#include "../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "se/detail.h"
#include "se/port.h"

#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *text;
    err_t want;
    enum se_port_kind kind;
    const char *path;
    uint8_t address;
} ports[] = {
    { "/dev/i2c-1:0x48", ERR_OK, SE_PORT_I2C, "/dev/i2c-1", 0x48 },
    { "/dev/i2c-1", ERR_OK, SE_PORT_I2C, "/dev/i2c-1", 0x48 },
    { "/dev/i2c-3:73", ERR_OK, SE_PORT_I2C, "/dev/i2c-3", 73 },
    { "/dev/i2c-1:0x77", ERR_OK, SE_PORT_I2C, "/dev/i2c-1", 0x77 },
    { "vse:/run/chip.sock", ERR_OK, SE_PORT_VSE, "/run/chip.sock", 0x48 },
    { "keyd:/run/sedge/keyd.sock", ERR_OK, SE_PORT_KEYD, "/run/sedge/keyd.sock", 0x48 },
    { "keyd:", ERR_INVALID, 0, "", 0 },
    { "vse:chip:1", ERR_OK, SE_PORT_VSE, "chip:1", 0x48 },
    { "/dev/i2c-1:0x78", ERR_INVALID, 0, "", 0 },
    { "/dev/i2c-1:0x02", ERR_INVALID, 0, "", 0 },
    { "/dev/i2c-1:", ERR_INVALID, 0, "", 0 },
    { "/dev/i2c-1:0x48 ", ERR_INVALID, 0, "", 0 },
    { "/dev/i2c-1:x", ERR_INVALID, 0, "", 0 },
    { "i2c-1", ERR_INVALID, 0, "", 0 },
    { "COM3", ERR_INVALID, 0, "", 0 },
    { "vse:", ERR_INVALID, 0, "", 0 },
    { "", ERR_INVALID, 0, "", 0 },
};

static void parse_each(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        struct se_port p = { .address = 0x11 };

        print_message("  \"%s\"\n", ports[i].text);
        assert_int_equal(se_port_parse(ports[i].text, &p), ports[i].want);
        assert_int_equal(p.address, ports[i].want ? 0x11 : ports[i].address);
        if (!ports[i].want) {
            assert_int_equal(p.kind, ports[i].kind);
            assert_string_equal(p.path, ports[i].path);
        } else {
            assert_non_null(strstr(se_detail(), "expected DEVICE"));
        }
    }
}

static void path_at_the_limit(void **state)
{
    char text[SE_PORT_PATH_MAX + 8];
    struct se_port p;

    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[SE_PORT_PATH_MAX - 1] = '\0';
    assert_int_equal(se_port_parse(text, &p), ERR_OK);
    text[SE_PORT_PATH_MAX - 1] = 'a';
    text[SE_PORT_PATH_MAX] = '\0';
    assert_int_equal(se_port_parse(text, &p), ERR_INVALID);
}

static void text_and_back(void **state)
{
    static const char *const texts[] = { "/dev/i2c-1:0x48", "vse:/run/chip.sock", "keyd:/run/k.sock" };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char out[SE_PORT_TEXT_MAX];
        struct se_port p;

        assert_int_equal(se_port_parse(texts[i], &p), ERR_OK);
        se_port_text(&p, out);
        assert_string_equal(out, texts[i]);
    }
}

/* EX_SSS_BOOT_SSS_PORT, then the file, then the default. */
static const struct {
    const char *what, *env, *file;
    err_t want;
    const char *path, *detail;
} sources[] = {
    { "nothing set", NULL, NULL, ERR_OK, "/dev/i2c-1", "" },
    { "the environment", "vse:/e", "port = vse:/f\n", ERR_OK, "/e", "" },
    { "none means the default", "none", "port = vse:/f\n", ERR_OK, "/f", "" },
    { "the file", NULL, "# chip\n\n  port = vse:/f  \n", ERR_OK, "/f", "" },
    { "a file without port", NULL, "# nothing\n", ERR_OK, "/dev/i2c-1", "" },
    { "bad environment", "nonsense", NULL, ERR_INVALID, "", "EX_SSS_BOOT_SSS_PORT" },
    { "a line without =", NULL, "\nport vse:/f\n", ERR_INVALID, "", ":2" },
    { "an unknown key", NULL, "prot = vse:/f\n", ERR_INVALID, "", ":1" },
    { "bad port in the file", NULL, "port = nonsense\n", ERR_INVALID, "", "nonsense" },
};

static void each_source(void **state)
{
    char path[] = "/tmp/sedge-test-port-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct se_port p = { .path = "untouched" };

        print_message("  %s\n", sources[i].what);
        unsetenv("EX_SSS_BOOT_SSS_PORT");
        if (sources[i].env)
            setenv("EX_SSS_BOOT_SSS_PORT", sources[i].env, 1);
        setenv("SEDGE_CONF", path, 1);
        assert_int_equal(file_write_durable(path, slice_str(sources[i].file ? sources[i].file : ""), 0600),
                         ERR_OK);
        assert_int_equal(se_port_default(&p), sources[i].want);
        assert_string_equal(p.path, sources[i].want ? "untouched" : sources[i].path);
        if (sources[i].want)
            assert_non_null(strstr(se_detail(), sources[i].detail));
    }
    unlink(path);
    unsetenv("EX_SSS_BOOT_SSS_PORT");
}

static void a_named_file_must_exist(void **state)
{
    struct se_port p;

    setenv("SEDGE_CONF", "/nonexistent/se.conf", 1);
    assert_int_not_equal(se_port_default(&p), ERR_OK);
    assert_non_null(strstr(se_detail(), "/nonexistent/se.conf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_each),
        cmocka_unit_test(path_at_the_limit),
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(each_source),
        cmocka_unit_test(a_named_file_must_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
