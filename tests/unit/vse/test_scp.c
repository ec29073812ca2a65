/* SCP03: vectors made by the host written apart (tests/integration/chip_sessions.py, from the reference), and
 * everything that must close the channel. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/scp.h"
#include "vse/scp_keys.h"

#include <string.h>

static const uint8_t host[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
static const uint8_t card[] = { 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7 };

#define CARD_CRYPTOGRAM "ac9ce14a04bb7138"
#define AUTHENTICATE "84823300"
#define AUTHENTICATION "0d501981a1016aa1dfaca7c092c99cb6"

struct exchange {
    const char *what, *header, *wrapped, *plain, *answer, *wrapped_answer;
};

/* A platform channel below 4.3: what has no data does not count. */
static const struct exchange platform[] = {
    { "no data, first of all", "84040020", "76dcdbeee277b0b6", "", "41070301003fff010b",
      "198c26b85be98e91325eed8fa504d045264025b4d020a3a9" },
    { "data both ways", "84040027", "8c36b37439d1995b248d753338a054d4ed45b45b1627b30f", "410400000001",
      "410101", "d37b888f62d5b228bb307f34e9cf4d92cd05d469d008f2e7" },
    { "no data again", "84040020", "6ef162531319c585", "", "41070301003fff010b",
      "f792bbae5af841aedc30e5d5bdde6ed63228a8f65655cf4a" },
    { "a whole block, no answer", "84010600",
      "7e2ba0b170b8234af54f145f967a6e2061fca6c180e742264a0efa106a393f08e81bf4caa74acec5",
      "000102030405060708090a0b0c0d0e0f", "", "e936ee7e21b45a7b" },
};

/* A session: everything counts. */
static const struct exchange session[] = {
    { "no data", "84040020", "f64dbb93daa61f02", "", "41070301003fff010b",
      "991a25c81eb2a628a7ab7a13a83e460104e8c0a5cee14abd" },
    { "data both ways", "84040027", "ea9e48e39e1b2df2f3c3a875359339c85a81d4a4eacc9a42", "410400000001",
      "410101", "40810677926404077418316a1ad0d22c0fc359ab46cdead8" },
};

struct bytes {
    uint8_t p[256];
    size_t n;
};

static struct bytes hex(const char *text)
{
    autobuf b = BUF_INIT(256);
    struct bytes out = { .n = 0 };

    assert_int_equal(hex_decode(&b, slice_str(text)), ERR_OK);
    out.n = b.n;
    if (b.n)
        memcpy(out.p, b.p, b.n);
    return out;
}

static struct slice view(const struct bytes *b)
{
    return slice_of(b->p, b->n);
}

static void assert_hex(struct slice have, const char *want)
{
    char text[2 * 300 + 1];

    assert_true(have.n <= 300);
    hex_str(text, have);
    assert_string_equal(text, want);
}

static void challenge(struct vse_scp *s)
{
    struct vse_scp_keys keys;
    uint8_t cryptogram[VSE_SCP_CHALLENGE];

    assert_int_equal(vse_scp_keys_named("devkit", &keys), ERR_OK);
    assert_int_equal(vse_scp_challenge(s, &keys, false, host, card, cryptogram), ERR_OK);
    assert_hex(SLICE_ARRAY(cryptogram), CARD_CRYPTOGRAM);
    assert_int_equal(s->state, VSE_SCP_CHALLENGED);
}

static void open_platform(struct vse_scp *s)
{
    struct bytes header = hex(AUTHENTICATE), data = hex(AUTHENTICATION);

    challenge(s);
    assert_int_equal(vse_scp_authenticate(s, view(&header), view(&data)), ERR_OK);
    assert_int_equal(s->state, VSE_SCP_OPEN);
}

static void exchange(struct vse_scp *s, const struct exchange *x)
{
    struct bytes header = hex(x->header), wrapped = hex(x->wrapped), answer = hex(x->answer);
    autobuf plain = BUF_INIT(256), out = BUF_INIT(256);

    print_message("  %s\n", x->what);
    assert_int_equal(vse_scp_unwrap(s, view(&header), view(&wrapped), &plain), ERR_OK);
    assert_hex(buf_slice(&plain), x->plain);
    assert_int_equal(vse_scp_wrap(s, view(&answer), &out), ERR_OK);
    assert_hex(buf_slice(&out), x->wrapped_answer);
}

static void a_platform_channel(void **state)
{
    struct vse_scp s = { 0 };
    (void)state;

    open_platform(&s);
    for (size_t i = 0; i < ARRAY_LEN(platform); i++)
        exchange(&s, &platform[i]);
}

static void a_session_channel(void **state)
{
    uint8_t master[VSE_SCP_KEY];
    struct vse_scp s = { 0 };
    (void)state;

    for (size_t i = 0; i < sizeof(master); i++)
        master[i] = (uint8_t)i;
    assert_int_equal(vse_scp_open_master(&s, master), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(session); i++)
        exchange(&s, &session[i]);
}

static void assert_closed(const struct vse_scp *s)
{
    static const struct vse_scp closed;

    assert_memory_equal(s, &closed, sizeof(closed)); /* keys gone */
}

/* Every bit of the header and the data counts, and one wrong one is the end. */
static void every_wrong_bit_closes(void **state)
{
    const struct exchange *x = &platform[1];
    (void)state;

    for (size_t bit = 0; bit < 8 * (4 + strlen(x->wrapped) / 2); bit++) {
        struct bytes header = hex(x->header), wrapped = hex(x->wrapped);
        autobuf plain = BUF_INIT(256);
        struct vse_scp s = { 0 };
        open_platform(&s);
        exchange(&s, &platform[0]);
        if (bit < 32)
            header.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        else
            wrapped.p[bit / 8 - 4] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(vse_scp_unwrap(&s, view(&header), view(&wrapped), &plain), ERR_DENIED);
        assert_int_equal(plain.n, 0);
        assert_closed(&s);
    }
}

static void every_prefix_closes(void **state)
{
    const struct exchange *x = &platform[1];
    struct bytes header = hex(x->header), wrapped = hex(x->wrapped);
    (void)state;

    for (size_t n = 0; n < wrapped.n; n++) {
        autofree uint8_t *cut = mem_dup(wrapped.p, n);
        autobuf plain = BUF_INIT(256);
        struct vse_scp s = { 0 };
        open_platform(&s);
        exchange(&s, &platform[0]);
        assert_int_equal(vse_scp_unwrap(&s, view(&header), slice_of(cut, n), &plain), ERR_DENIED);
        assert_closed(&s);
    }
}

static void a_replay_closes(void **state)
{
    struct bytes header = hex(platform[0].header), wrapped = hex(platform[0].wrapped);
    autobuf plain = BUF_INIT(256);
    struct vse_scp s = { 0 };
    (void)state;

    open_platform(&s);
    exchange(&s, &platform[0]);
    assert_int_equal(vse_scp_unwrap(&s, view(&header), view(&wrapped), &plain), ERR_DENIED);
    assert_closed(&s);
    assert_int_equal(vse_scp_unwrap(&s, view(&header), view(&wrapped), &plain), ERR_DENIED); /* no channel */
}

static void every_wrong_bit_of_the_host_closes(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * (4 + 16); bit++) {
        struct bytes header = hex(AUTHENTICATE), data = hex(AUTHENTICATION);
        struct vse_scp s = { 0 };
        challenge(&s);
        if (bit < 32)
            header.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        else
            data.p[bit / 8 - 4] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(vse_scp_authenticate(&s, view(&header), view(&data)), ERR_DENIED);
        assert_closed(&s);
    }
}

static void authentication_in_its_place(void **state)
{
    struct bytes header = hex(AUTHENTICATE), data = hex(AUTHENTICATION);
    struct vse_scp s = { 0 };
    (void)state;

    assert_int_equal(vse_scp_authenticate(&s, view(&header), view(&data)), ERR_DENIED); /* no challenge */
    for (size_t n = 0; n < data.n; n++) {
        autofree uint8_t *cut = mem_dup(data.p, n);
        challenge(&s);
        assert_int_equal(vse_scp_authenticate(&s, view(&header), slice_of(cut, n)), ERR_DENIED);
        assert_closed(&s);
    }
    open_platform(&s);
    assert_int_equal(vse_scp_authenticate(&s, view(&header), view(&data)), ERR_DENIED); /* once */
    assert_closed(&s);
}

/* ---- where keys come from ---- */

#define ENC "ENC 000102030405060708090a0b0c0d0e0f\n"
#define MAC "MAC 101112131415161718191a1b1c1d1e1f\n"
#define DEK "DEK 202122232425262728292a2b2c2d2e2f\n"

static void key_files(void **state)
{
    static const struct {
        const char *what, *text;
        err_t want;
        bool has_dek;
    } cases[] = {
        { "all three", ENC MAC DEK, ERR_OK, true },
        { "any order, comments, blanks", "# ours\r\n\n  " MAC "\t" ENC "#DEK 00\n", ERR_OK, false },
        { "no newline at the end", MAC "ENC\t000102030405060708090A0B0C0D0E0F  ", ERR_OK, false },
        { "nothing", "", ERR_PROTO, false },
        { "no MAC", ENC DEK, ERR_PROTO, false },
        { "no ENC", MAC DEK, ERR_PROTO, false },
        { "twice", ENC MAC ENC, ERR_PROTO, false },
        { "unknown name", ENC MAC "KEY 00\n", ERR_PROTO, false },
        { "short", "ENC 0001\n" MAC, ERR_PROTO, false },
        { "long", "ENC 000102030405060708090a0b0c0d0e0f00\n" MAC, ERR_PROTO, false },
        { "no hex", "ENC 000102030405060708090a0b0c0d0e0x\n" MAC, ERR_PROTO, false },
        { "no blank", "ENC000102030405060708090a0b0c0d0e0f\n" MAC, ERR_PROTO, false },
        { "a name alone", "ENC\n" MAC, ERR_PROTO, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vse_scp_keys k = { .enc = { 0xee } };
        print_message("  %s\n", cases[i].what);
        assert_int_equal(vse_scp_keys_parse(slice_str(cases[i].text), &k), cases[i].want);
        if (cases[i].want) {
            assert_int_equal(k.enc[0], 0xee); /* untouched on failure */
            continue;
        }
        assert_true(k.enc[0] == 0 && k.enc[15] == 15 && k.mac[0] == 0x10 && k.has_dek == cases[i].has_dek);
        assert_int_equal(k.dek[0], cases[i].has_dek ? 0x20 : 0);
    }
}

static void named_sets(void **state)
{
    static const struct {
        const char *name;
        uint8_t enc, mac; /* their first bytes */
        bool has_dek;
    } cases[] = {
        { "devkit", 0x35, 0xaf, true }, { "A1F4", 0x35, 0xaf, true },  { "a200", 0x85, 0xdb, false },
        { "A201", 0xbd, 0x9a, false },  { "A921", 0xd2, 0x73, false },
    };
    struct vse_scp_keys k;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(vse_scp_keys_named(cases[i].name, &k), ERR_OK);
        assert_true(k.enc[0] == cases[i].enc && k.mac[0] == cases[i].mac && k.has_dek == cases[i].has_dek);
    }
    assert_int_equal(vse_scp_keys_named("A999", &k), ERR_NOT_FOUND);
    assert_int_equal(vse_scp_keys_named("", &k), ERR_NOT_FOUND);
    assert_int_equal(k.enc[0], 0xd2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_platform_channel),
        cmocka_unit_test(a_session_channel),
        cmocka_unit_test(every_wrong_bit_closes),
        cmocka_unit_test(every_prefix_closes),
        cmocka_unit_test(a_replay_closes),
        cmocka_unit_test(every_wrong_bit_of_the_host_closes),
        cmocka_unit_test(authentication_in_its_place),
        cmocka_unit_test(key_files),
        cmocka_unit_test(named_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
