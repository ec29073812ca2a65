/* The vectors are those of NXP AN12196 (tables 19, 25 and 26 of revision 2.0: one authentication with an
 * all-zero key, two key changes) and AN10922 (AES-128). */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/desfire.h"

static const uint8_t zero_key[VSE_DESFIRE_KEY];

static void add_hex(struct buf *b, const char *text)
{
    assert_int_equal(hex_decode(b, slice_str(text)), ERR_OK);
}

static void is_hex(struct slice got, const char *want)
{
    autobuf b = BUF_INIT(256);

    add_hex(&b, want);
    assert_int_equal(got.n, b.n);
    assert_memory_equal(got.p, b.p, b.n);
}

static err_t ask(struct vse_desfire *d, enum vse_desfire_step how, const char *challenge, struct buf *out)
{
    autobuf said = BUF_INIT(64), rnd_a = BUF_INIT(16);

    add_hex(&said, challenge);
    add_hex(&rnd_a, "B98F4C50CF1C2E084FD150E33992B048");
    return vse_desfire_ask(d, how, SLICE_ARRAY(zero_key), buf_slice(&said), rnd_a.p, out);
}

static err_t check(struct vse_desfire *d, enum vse_desfire_step how, const char *answer, struct buf *caps)
{
    autobuf said = BUF_INIT(64);

    add_hex(&said, answer);
    return vse_desfire_check(d, how, SLICE_ARRAY(zero_key), buf_slice(&said), caps);
}

#define CHALLENGE "B875CEB0E66A6C5CD00898DC371F92D1"
#define ANSWER "0CC9A8094A8EEA683ECAAC5C7BF20584206D0608D477110FC6B3D5D3F65C3A6A"

static void opened(struct vse_desfire *d)
{
    autobuf out = BUF_INIT(64), caps = BUF_INIT(64);

    *d = (struct vse_desfire){ 0 };
    assert_int_equal(ask(d, VSE_DESFIRE_FIRST, CHALLENGE, &out), ERR_OK);
    is_hex(buf_slice(&out), "FF0306E47DFBC50087C4D8A78E88E62DE1E8BE457AA477C707E2F0874916A8B1");
    assert_int_equal(check(d, VSE_DESFIRE_FIRST, ANSWER, &caps), ERR_OK);
    is_hex(buf_slice(&caps), "000000000000000000000000");
}

static void authentication_gives_the_session_keys(void **state)
{
    autobuf out = BUF_INIT(64);
    struct vse_desfire d;

    (void)state;
    opened(&d);
    assert_int_equal(vse_desfire_dump(&d, &out), ERR_OK);
    is_hex(buf_slice(&out), "7A93D6571E4B180FCA6AC90C9A7488D4"
                            "FC4AF159B62E549B5812394CAB1918CC"
                            "7614281A"
                            "0000");
    vse_desfire_end(&d);
    assert_int_equal(vse_desfire_dump(&d, &out), ERR_WRONG_STATE);
}

static void a_card_that_does_not_know_the_key_ends_it(void **state)
{
    autobuf out = BUF_INIT(64), caps = BUF_INIT(64);
    struct vse_desfire d = { 0 };

    (void)state;
    assert_int_equal(check(&d, VSE_DESFIRE_FIRST, ANSWER, &caps), ERR_WRONG_STATE);
    assert_int_equal(ask(&d, VSE_DESFIRE_NONFIRST, CHALLENGE, &out), ERR_WRONG_STATE);
    assert_int_equal(ask(&d, VSE_DESFIRE_FIRST, "B875", &out), ERR_INVALID);
    assert_int_equal(ask(&d, VSE_DESFIRE_FIRST, CHALLENGE, &out), ERR_OK);
    assert_int_equal(check(&d, VSE_DESFIRE_NONFIRST, CHALLENGE, &caps), ERR_WRONG_STATE);
    assert_int_equal(check(&d, VSE_DESFIRE_FIRST, CHALLENGE, &caps), ERR_INVALID); /* too short: not heard */
    assert_int_equal(check(&d, VSE_DESFIRE_FIRST, CHALLENGE CHALLENGE, &caps), ERR_AUTH);
    assert_int_equal(caps.n, 0);
    assert_int_equal(check(&d, VSE_DESFIRE_FIRST, ANSWER, &caps), ERR_WRONG_STATE);
}

/* The session of AN12196's key changes. */
static struct vse_desfire changing_session(void)
{
    autobuf keys = BUF_INIT(64);
    struct vse_desfire d = { .step = VSE_DESFIRE_OPEN, .counter = 2 };

    add_hex(&keys, "4CF3CB41A22583A61E89B158D252FC535529860B2FC5FB6154B7F28361D30BF97614281A");
    memcpy(d.enc, keys.p, sizeof(d.enc));
    memcpy(d.mac, keys.p + 16, sizeof(d.mac));
    memcpy(d.ti, keys.p + 32, sizeof(d.ti));
    return d;
}

static void another_key_is_changed(void **state)
{
    struct vse_desfire d = changing_session(), again = d;
    struct vse_desfire_change what = {
        .old = SLICE_ARRAY(zero_key), .set = VSE_DESFIRE_NO_SET, .number = 2, .version = 1
    };
    autobuf key = BUF_INIT(16), out = BUF_INIT(64), mac = BUF_INIT(8), none = BUF_INIT(39);
    bool good;

    (void)state;
    add_hex(&key, "F3847D627727ED3BC9C4CC050489B966");
    add_hex(&mac, "203BB55D1089D587");
    what.key = buf_slice(&key);
    assert_int_equal(vse_desfire_change(&d, &what, &none), ERR_TOO_BIG);
    assert_int_equal(none.n, 0);
    assert_int_equal(vse_desfire_change(&d, &what, &out), ERR_OK);
    is_hex(buf_slice(&out), "2CF362B7BF4311FF3BE1DAA295E8C68DE09050560D19B9E16C2393AE9CD1FAC7"
                            "5D0CE20BCD1D06E6");
    assert_int_equal(vse_desfire_change(&d, &what, &out), ERR_WRONG_STATE); /* the card's word first */
    assert_int_equal(vse_desfire_changed(&d, slice_head(buf_slice(&mac), 7), &good), ERR_INVALID);
    assert_int_equal(vse_desfire_changed(&d, buf_slice(&mac), &good), ERR_OK);
    assert_true(good);
    assert_int_equal(vse_desfire_changed(&d, buf_slice(&mac), &good), ERR_WRONG_STATE);
    assert_int_equal(d.counter, 3);

    buf_clear(&out);
    what.set = 0; /* ChangeKeyEV2: the same cryptogram, another MAC */
    assert_int_equal(vse_desfire_change(&again, &what, &out), ERR_OK);
    is_hex(slice_head(buf_slice(&out), 32),
           "2CF362B7BF4311FF3BE1DAA295E8C68DE09050560D19B9E16C2393AE9CD1FAC7");
    assert_memory_not_equal(out.p + 32, "\x5d\x0c\xe2\x0b\xcd\x1d\x06\xe6", 8);
    mac.p[0] ^= 1;
    assert_int_equal(vse_desfire_changed(&again, buf_slice(&mac), &good), ERR_OK);
    assert_false(good);
    assert_int_equal(again.step, VSE_DESFIRE_NONE);
}

static void changing_the_own_key_ends_the_authentication(void **state)
{
    struct vse_desfire d = changing_session();
    struct vse_desfire_change what = { .set = VSE_DESFIRE_NO_SET, .version = 1 };
    autobuf key = BUF_INIT(16), out = BUF_INIT(64);

    (void)state;
    add_hex(&key, "5004BF991F408672B1EF00F08F9E8647");
    what.key = buf_slice(&key);
    d.counter = 3;
    assert_int_equal(vse_desfire_change(&d, &what, &out), ERR_OK);
    is_hex(buf_slice(&out), "C0EB4DEEFEDDF0B513A03A95A75491818580503190D4D05053FF75668A01D6FD"
                            "A6610234BDED6432");
    assert_int_equal(d.step, VSE_DESFIRE_NONE);
    assert_memory_equal(d.enc, zero_key, sizeof(zero_key));
}

static void the_counter_has_an_end(void **state)
{
    struct vse_desfire d = changing_session();
    struct vse_desfire_change what = { .key = SLICE_ARRAY(zero_key), .old = SLICE_ARRAY(zero_key) };
    autobuf out = BUF_INIT(64);

    (void)state;
    d.counter = UINT16_MAX;
    assert_int_equal(vse_desfire_change(&d, &what, &out), ERR_WRONG_STATE);
}

static void keys_of_cards(void **state)
{
    static const struct {
        const char *input, *key;
    } v[] = {
        { "04782E21801D803042F54E585020416275", "A8DD63A3B89D54B37CA802473FDA9175" }, /* AN10922 */
        /* at the edges of the padding; by a few lines of Python from AN10922's text */
        { "04782E21801D80", "4FD3364753B8142980E8203C75AD83BE" },
        { "42", "3D1106B2BA806A03E611645583343C60" },
        { "000102030405060708090A0B0C0D0E", "5A3C7F6F0687F24F82DEE7EDA0970D08" },
        { "000102030405060708090A0B0C0D0E0F", "FEED9FBD36CDB16819A72D30BCF9240B" },
        { "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E",
          "21C28CD89BB3147F66C7DBD4851CAB20" },
    };
    autobuf master = BUF_INIT(16);

    (void)state;
    add_hex(&master, "00112233445566778899AABBCCDDEEFF");
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        autobuf input = BUF_INIT(32), out = BUF_INIT(16);

        add_hex(&input, v[i].input);
        assert_int_equal(vse_desfire_diversify(buf_slice(&master), buf_slice(&input), &out), ERR_OK);
        is_hex(buf_slice(&out), v[i].key);
    }
}

static void names_of_cards_have_a_length(void **state)
{
    uint8_t long_name[VSE_DESFIRE_DIVERSIFIER_MAX + 1] = { 0 };
    autobuf out = BUF_INIT(16);

    (void)state;
    assert_int_equal(vse_desfire_diversify(SLICE_ARRAY(zero_key), (struct slice){ 0 }, &out), ERR_INVALID);
    assert_int_equal(vse_desfire_diversify(SLICE_ARRAY(zero_key), SLICE_ARRAY(long_name), &out), ERR_INVALID);
    assert_int_equal(vse_desfire_diversify(SLICE_LIT("short"), SLICE_LIT("x"), &out), ERR_INVALID);
    assert_int_equal(
        vse_desfire_diversify(SLICE_ARRAY(zero_key), slice_of(long_name, sizeof(long_name) - 1), &out),
        ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentication_gives_the_session_keys),
        cmocka_unit_test(a_card_that_does_not_know_the_key_ends_it),
        cmocka_unit_test(another_key_is_changed),
        cmocka_unit_test(changing_the_own_key_ends_the_authentication),
        cmocka_unit_test(the_counter_has_an_end),
        cmocka_unit_test(keys_of_cards),
        cmocka_unit_test(names_of_cards_have_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
