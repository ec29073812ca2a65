/* What each call of se/object.h and se/key.h puts on the wire and makes of the answers (AN12413). The
 * APDUs are written out by hand from the reference; an answer that does not have the specified shape is
 * ERR_PROTO and changes nothing. */
#include "../cm.h"
#include "exchange.h"
#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"

#define ID "\x20\x18\x10\x01"
#define EXISTS "\x80\x04\x00\x27\x06\x41\x04" ID
#define YES "\x41\x01\x01\x90\x00"
#define NO "\x41\x01\x02\x90\x00"
#define TYPE "\x80\x02\x00\x26\x06\x41\x04" ID
#define SIZE "\x80\x02\x00\x07\x06\x41\x04" ID
#define OK "\x90\x00"

static void exists(void **state)
{
    bool there = false;
    BEGIN(X(EXISTS, YES), X(EXISTS, NO), X(EXISTS, "\x41\x01\x00\x90\x00"),
          X(EXISTS, "\x41\x01\x01\x41\x01\x01\x90\x00"));

    assert_int_equal(se_object_exists(chip, 0x20181001, &there), ERR_OK);
    assert_true(there);
    assert_int_equal(se_object_exists(chip, 0x20181001, &there), ERR_OK);
    assert_false(there);
    there = true;
    assert_int_equal(se_object_exists(chip, 0x20181001, &there), ERR_PROTO); /* booleans are never 00 */
    assert_int_equal(se_object_exists(chip, 0x20181001, &there), ERR_PROTO); /* a TLV too many */
    assert_true(there);
    FINISH();
}

static void type_and_size(void **state)
{
    struct se_object_type type = { 0x77, false };
    size_t size = 77;
    BEGIN(X(TYPE, "\x41\x01\x05\x42\x01\x02\x90\x00"), X(TYPE, "\x69\x85"),
          X(SIZE, "\x41\x02\x01\x00\x90\x00"), X(SIZE, "\x41\x03\x00\x01\x00\x90\x00"),
          X(TYPE, "\x41\x01\x05\x90\x00"));

    assert_int_equal(se_object_type(chip, 0x20181001, &type), ERR_OK);
    assert_int_equal(type.type, SE_TYPE_RSA_PAIR_CRT);
    assert_true(type.transient);
    assert_int_equal(se_object_type(chip, 0x20181001, &type), ERR_NOT_FOUND);
    assert_non_null(strstr(se_detail(), "20181001"));
    assert_non_null(strstr(se_detail(), "6985"));
    assert_int_equal(se_object_size(chip, 0x20181001, &size), ERR_OK);
    assert_int_equal(size, 256);
    assert_int_equal(se_object_size(chip, 0x20181001, &size), ERR_PROTO);
    assert_int_equal(size, 256);
    assert_int_equal(se_object_type(chip, 0x20181001, &type), ERR_PROTO);
    FINISH();
}

static void curve_types_of_7x_fold(void **state)
{
    assert_int_equal(se_type_class(SE_TYPE_7X_EC_P256), SE_TYPE_EC_PAIR);
    assert_int_equal(se_type_class(SE_TYPE_7X_EC_P256 + 1), SE_TYPE_EC_PRIVATE);
    assert_int_equal(se_type_class(SE_TYPE_7X_EC_P521 + 2), SE_TYPE_EC_PUBLIC);
    assert_int_equal(se_type_class(SE_TYPE_BINARY), SE_TYPE_BINARY);
    assert_int_equal(se_type_class(0x74), 0x74);
}

/* The offset counts objects, not bytes. */
static void list_in_pages(void **state)
{
    uint32_t *ids = NULL;
    size_t n = 0;
    BEGIN(
        X("\x80\x02\x00\x25\x00\x00\x07\x41\x02\x00\x00\x42\x01\xff\x00\x00",
          "\x41\x01\x02\x42\x08\x7f\xff\x02\x06\x20\x18\x10\x01\x90\x00"),
        X("\x80\x02\x00\x25\x00\x00\x07\x41\x02\x00\x02\x42\x01\xff\x00\x00",
          "\x41\x01\x01\x42\x04\x20\x18\x10\x02\x90\x00"),
        X("\x80\x02\x00\x25\x00\x00\x07\x41\x02\x00\x00\x42\x01\x0b\x00\x00", "\x41\x01\x01\x42\x00\x90\x00"),
        X("\x80\x02\x00\x25\x00\x00\x07\x41\x02\x00\x00\x42\x01\x0b\x00\x00", "\x41\x01\x02\x42\x00\x90\x00"),
        X("\x80\x02\x00\x25\x00\x00\x07\x41\x02\x00\x00\x42\x01\x0b\x00\x00",
          "\x41\x01\x01\x42\x03\x01\x02\x03\x90\x00"));

    assert_int_equal(se_object_list(chip, SE_TYPE_ALL, &ids, &n), ERR_OK);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], SE_ID_UNIQUE_ID);
    assert_int_equal(ids[2], 0x20181002);
    free(ids);
    assert_int_equal(se_object_list(chip, SE_TYPE_BINARY, &ids, &n), ERR_OK); /* empty */
    assert_int_equal(n, 0);
    free(ids);
    assert_int_equal(se_object_list(chip, SE_TYPE_BINARY, &ids, &n),
                     ERR_OK); /* "more", but nothing: no endless loop */
    free(ids);
    ids = NULL;
    n = 77;
    assert_int_equal(se_object_list(chip, SE_TYPE_BINARY, &ids, &n), ERR_PROTO); /* not a multiple of 4 */
    assert_null(ids);
    assert_int_equal(n, 77);
    FINISH();
}

/* A part that always has more is stopped at SE_LIST_MAX. */
static void endless_list(struct slice apdu, struct buf *answer)
{
    static const uint8_t zeros[800];

    (void)buf_add(answer, SLICE_LIT("\x41\x01\x02\x42\x82\x03\x20"));
    (void)buf_add(answer, SLICE_ARRAY(zeros));
    (void)buf_add(answer, SLICE_LIT(OK));
}

static void list_is_limited(void **state)
{
    struct se_chip *chip = NULL;
    uint32_t *ids = NULL;
    size_t n = 77;

    assert_int_equal(fake_part_open(endless_list, &chip), ERR_OK);
    assert_int_equal(se_object_list(chip, SE_TYPE_ALL, &ids, &n), ERR_TOO_BIG);
    assert_null(ids);
    assert_int_equal(n, 77);
    se_chip_close(chip);
}

#define READ_ALL "\x80\x02\x00\x00\x00\x00\x06\x41\x04" ID "\x00\x00"

static void read_values(void **state)
{
    autobuf out = BUF_INIT(1000);
    BEGIN(X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x03\x90\x00"),
          X("\x80\x02\x00\x00\x00\x00\x0a\x41\x04" ID "\x43\x02\x00\x03\x00\x00", "\x41\x03"
                                                                                  "abc" OK),
          /* a secret: the applet's 6985 is told apart from "absent" by the type */
          X(TYPE, "\x41\x01\x09\x42\x01\x01\x90\x00"), X(READ_ALL, "\x69\x85"), X(TYPE, "\x69\x85"),
          /* less than the size that was announced */
          X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x03\x90\x00"),
          X("\x80\x02\x00\x00\x00\x00\x0a\x41\x04" ID "\x43\x02\x00\x03\x00\x00", "\x41\x02"
                                                                                  "ab" OK),
          /* larger than the caller wants */
          X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x7f\xff\x90\x00"));

    assert_int_equal(se_object_read(chip, 0x20181001, &out), ERR_OK);
    assert_string_equal(buf_str(&out), "abc");
    assert_int_equal(se_object_read(chip, 0x20181001, &out), ERR_DENIED);
    assert_int_equal(se_object_read(chip, 0x20181001, &out), ERR_NOT_FOUND);
    assert_int_equal(se_object_read(chip, 0x20181001, &out), ERR_PROTO);
    assert_int_equal(se_object_read(chip, 0x20181001, &out), ERR_TOO_BIG);
    assert_string_equal(buf_str(&out), "abc");
    FINISH();
}

static void write_files(void **state)
{
    BEGIN(X(EXISTS, NO),
          X("\x80\x01\x06\x00\x0f\x41\x04" ID "\x43\x02\x00\x03\x44\x03"
            "abc",
            OK),
          /* the same size again: overwritten */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x03\x90\x00"),
          X("\x80\x01\x06\x00\x0b\x41\x04" ID "\x44\x03"
            "xyz",
            OK),
          /* another size: anew */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x03\x90\x00"),
          X("\x80\x04\x00\x28\x06\x41\x04" ID, OK),
          X("\x80\x01\x06\x00\x0d\x41\x04" ID "\x43\x02\x00\x01\x44\x01"
            "q",
            OK),
          /* a key is in the way */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x05\x42\x01\x01\x90\x00"),
          /* the chip is full: what was begun is removed */
          X(EXISTS, NO),
          X("\x80\x01\x06\x00\x0f\x41\x04" ID "\x43\x02\x00\x03\x44\x03"
            "abc",
            "\x6a\x84"),
          X("\x80\x04\x00\x28\x06\x41\x04" ID, "\x69\x85"));

    /* the lengths above: 0f = 6 + 4 + 5 */
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT("abc"), NULL), ERR_OK);
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT("xyz"), NULL), ERR_OK);
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT("q"), NULL), ERR_OK);
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT("abc"), NULL), ERR_EXISTS);
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT("abc"), NULL), ERR_NO_SPACE);
    assert_int_equal(se_object_write_binary(chip, 0x20181001, SLICE_LIT(""), NULL), ERR_INVALID);
    FINISH();
}

static void file_one_byte_too_large(void **state)
{
    autofree uint8_t *bytes = mem_calloc(1, SE_BINARY_MAX + 1);
    struct se_chip *chip = chip_with(NULL, 0);

    assert_int_equal(se_object_write_binary(chip, 1, slice_of(bytes, SE_BINARY_MAX + 1), NULL), ERR_TOO_BIG);
    se_chip_close(chip);
}

static void uid_and_memory(void **state)
{
    uint8_t uid[SE_UNIQUE_ID_LEN] = { 0 }, cert[SE_CERT_UID_LEN];
    uint32_t memory = 77;
    BEGIN(X("\x80\x02\x00\x00\x00\x00\x06\x41\x04\x7f\xff\x02\x06\x00\x00",
            "\x41\x12\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x90\x00"),
          X("\x80\x02\x00\x00\x00\x00\x06\x41\x04\x7f\xff\x02\x06\x00\x00", "\x41\x02\x00\x01\x90\x00"),
          X("\x80\x04\x00\x22\x03\x41\x01\x01", "\x41\x02\x7f\xff\x90\x00"),
          X("\x80\x04\x00\x22\x03\x41\x01\x02", "\x41\x04\x00\x01\x00\x00\x90\x00"),
          X("\x80\x04\x00\x22\x03\x41\x01\x02", "\x41\x03\x00\x01\x00\x90\x00"));

    assert_int_equal(se_chip_uid(chip, uid), ERR_OK);
    se_cert_uid(uid, cert);
    assert_memory_equal(cert, "\x02\x03\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", sizeof(cert));
    assert_int_equal(se_chip_uid(chip, uid), ERR_PROTO);
    assert_int_equal(uid[17], 0x11);
    assert_int_equal(se_chip_free_memory(chip, SE_MEM_PERSISTENT, &memory), ERR_OK);
    assert_int_equal(memory, 0x7fff);
    assert_int_equal(se_chip_free_memory(chip, SE_MEM_TRANSIENT_RESET, &memory),
                     ERR_OK); /* four bytes: SE052 */
    assert_int_equal(memory, 0x10000);
    assert_int_equal(se_chip_free_memory(chip, SE_MEM_TRANSIENT_RESET, &memory), ERR_PROTO);
    assert_int_equal(memory, 0x10000);
    FINISH();
}

/* ---- EC ---- */

#define SCALAR "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"
#define POINT "\x04XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYY"
#define CURVES_WITH_P256 \
    "\x41\x11\x01\x01\x02\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x90\x00"

static void ec_write(void **state)
{
    BEGIN(X(EXISTS, NO), X("\x80\x02\x0b\x25\x00", CURVES_WITH_P256),
          X("\x80\x01\x61\x00\x6e\x41\x04" ID "\x42\x01\x03\x43\x20" SCALAR "\x44\x41" POINT, OK),
          /* again: an update names neither curve nor policy */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x01\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x20\x90\x00"),
          X("\x80\x02\x0b\x36\x06\x41\x04" ID, "\x41\x01\x03\x90\x00"),
          X("\x80\x01\x61\x00\x6b\x41\x04" ID "\x43\x20" SCALAR "\x44\x41" POINT, OK),
          /* Brainpool 256 is as long, but it is not the same curve */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x01\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x20\x90\x00"),
          X("\x80\x02\x0b\x36\x06\x41\x04" ID, "\x41\x01\x09\x90\x00"), X(EXISTS, NO),
          X("\x80\x02\x0b\x25\x00", CURVES_WITH_P256),
          X("\x80\x01\x41\x00\x2b\x41\x04" ID "\x42\x01\x03\x43\x20" SCALAR, OK), X(EXISTS, NO),
          X("\x80\x02\x0b\x25\x00", CURVES_WITH_P256),
          X("\x80\x01\x21\x00\x4c\x41\x04" ID "\x42\x01\x03\x44\x41" POINT, OK), X(EXISTS, NO),
          X("\x80\x02\x0b\x25\x00", CURVES_WITH_P256),
          X("\x80\x01\x61\x00\x09\x41\x04" ID "\x42\x01\x03", OK));

    assert_int_equal(se_ec_write_pair(chip, 0x20181001, 3, SLICE_LIT(SCALAR), SLICE_LIT(POINT), NULL),
                     ERR_OK);
    assert_int_equal(se_ec_write_pair(chip, 0x20181001, 3, SLICE_LIT(SCALAR), SLICE_LIT(POINT), NULL),
                     ERR_OK);
    assert_int_equal(se_ec_write_pair(chip, 0x20181001, 3, SLICE_LIT(SCALAR), SLICE_LIT(POINT), NULL),
                     ERR_EXISTS);
    assert_int_equal(se_ec_write_private(chip, 0x20181001, 3, SLICE_LIT(SCALAR), NULL), ERR_OK);
    assert_int_equal(se_ec_write_public(chip, 0x20181001, 3, SLICE_LIT(POINT), NULL), ERR_OK);
    assert_int_equal(se_ec_generate(chip, 0x20181001, 3, NULL), ERR_OK);
    /* nothing of these reaches the chip */
    assert_int_equal(se_ec_write_pair(chip, 1, 3, SLICE_LIT("short"), SLICE_LIT(POINT), NULL), ERR_INVALID);
    assert_int_equal(se_ec_write_pair(chip, 1, 3, SLICE_LIT(SCALAR), SLICE_LIT(""), NULL), ERR_INVALID);
    assert_int_equal(se_ec_write_private(chip, 1, 3, SLICE_LIT(""), NULL), ERR_INVALID);
    assert_int_equal(se_ec_write_public(chip, 1, 3, SLICE_LIT(""), NULL), ERR_INVALID);
    assert_int_equal(se_ec_generate(chip, 1, 0x55, NULL), ERR_UNSUPPORTED);
    FINISH();
}

static void missing_curve_is_created(struct slice apdu, struct buf *answer)
{
    static const struct {
        struct slice head;
        size_t n;
    } want[] = {
        { SLICE_LIT("\x80\x02\x0b\x25\x00"), 5 },
        { SLICE_LIT("\x80\x01\x0b\x04\x03\x41\x01\x03"), 8 },
        { SLICE_LIT("\x80\x01\x0b\x40\x28\x41\x01\x03\x42\x01\x01\x43\x20\xff\xff\xff\xff\x00\x00\x00\x01"),
          45 },                                                                                        /* A */
        { SLICE_LIT("\x80\x01\x0b\x40\x28\x41\x01\x03\x42\x01\x02\x43\x20\x5a\xc6\x35\xd8"), 45 },     /* B */
        { SLICE_LIT("\x80\x01\x0b\x40\x49\x41\x01\x03\x42\x01\x04\x43\x41\x04\x6b\x17\xd1\xf2"), 78 }, /* G */
        { SLICE_LIT("\x80\x01\x0b\x40\x28\x41\x01\x03\x42\x01\x08\x43\x20\xff\xff\xff\xff\x00\x00\x00\x00"),
          45 }, /* N */
        { SLICE_LIT("\x80\x01\x0b\x40\x28\x41\x01\x03\x42\x01\x10\x43\x20\xff\xff\xff\xff\x00\x00\x00\x01"),
          45 }, /* prime */
    };

    assert_true(script_at < ARRAY_LEN(want));
    assert_int_equal(apdu.n, want[script_at].n);
    assert_true(slice_starts(apdu, want[script_at].head));
    if (script_at++ == 0)
        (void)buf_add(
            answer,
            SLICE_LIT("\x41\x11\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"));
    (void)buf_add(answer, SLICE_LIT(OK));
}

static void curve_on_demand(void **state)
{
    struct se_chip *chip = NULL;

    script_at = 0;
    assert_int_equal(fake_part_open(missing_curve_is_created, &chip), ERR_OK);
    assert_int_equal(se_curve_ensure(chip, SE_CURVE_P256), ERR_OK);
    assert_int_equal(script_at, 7);
    se_chip_close(chip);
}

#define DIGEST32 "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD"

static void ec_use(void **state)
{
    autobuf out = BUF_INIT(200);
    uint8_t curve = 77;
    BEGIN(X("\x80\x03\x0c\x09\x2b\x41\x04" ID "\x42\x01\x21\x43\x20" DIGEST32,
            "\x41\x08\x30\x06\x02\x01\x05\x02\x01\x06\x90\x00"),
          X("\x80\x03\x0c\x09\x0f\x41\x04" ID "\x42\x01\x09\x43\x04"
            "DDDD",
            "\x41\x08\x30\x06\x02\x01\x05\x02\x01\x06\x90\x00"),
          X("\x80\x03\x0c\x09\x2b\x41\x04" ID "\x42\x01\x21\x43\x20" DIGEST32,
            "\x41\x08\x30\x06\x02\x01\x05\x02\x02\x06\x90\x00"),
          X("\x80\x03\x0c\x09\x2b\x41\x04" ID "\x42\x01\x21\x43\x20" DIGEST32, "\x69\x86"),
          X("\x80\x02\x0b\x36\x06\x41\x04" ID, "\x41\x01\x03\x90\x00"),
          X("\x80\x02\x0b\x36\x06\x41\x04" ID, "\x41\x00\x90\x00"));

    assert_int_equal(se_ec_sign(chip, 0x20181001, SLICE_LIT(DIGEST32), &out), ERR_OK);
    assert_int_equal(out.n, 8);
    assert_int_equal(se_ec_sign(chip, 0x20181001, SLICE_LIT("DDDD"), &out), ERR_OK);      /* plain */
    assert_int_equal(se_ec_sign(chip, 0x20181001, SLICE_LIT(DIGEST32), &out), ERR_PROTO); /* not DER */
    assert_int_equal(se_ec_sign(chip, 0x20181001, SLICE_LIT(DIGEST32), &out), ERR_DENIED);
    assert_int_equal(se_ec_sign(chip, 0x20181001, SLICE_LIT(""), &out), ERR_INVALID);
    assert_int_equal(se_ec_sign(chip, 0x20181001, SLICE_LIT(DIGEST32 DIGEST32 "D"), &out), ERR_INVALID);
    assert_int_equal(out.n, 16);
    assert_int_equal(se_ec_curve(chip, 0x20181001, &curve), ERR_OK);
    assert_int_equal(curve, 3);
    assert_int_equal(se_ec_curve(chip, 0x20181001, &curve), ERR_PROTO);
    FINISH();
}

/* ---- RSA: 512 bits keep the bytes on the page ---- */

#define N64 "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
#define P32 "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP"
#define COMPONENT(tag) "\x80\x01\x02\x00\x28\x41\x04" ID tag "\x20" P32

static const struct se_rsa_pair rsa_pair = {
    .n = SLICE_LIT("\x00" N64),
    .e = SLICE_LIT("\x01\x00\x01"),
    .p = SLICE_LIT(P32),
    .q = SLICE_LIT(P32),
    .dp = SLICE_LIT(P32),
    .dq = SLICE_LIT(P32),
    .qinv = SLICE_LIT(P32),
};

static void rsa_write(void **state)
{
    struct se_rsa_pair incomplete = rsa_pair, odd = rsa_pair;
    BEGIN(X(EXISTS, NO), X("\x80\x01\x62\x00\x2c\x41\x04" ID "\x42\x02\x02\x00\x43\x20" P32, OK),
          X(COMPONENT("\x44"), OK), X(COMPONENT("\x45"), OK), X(COMPONENT("\x46"), OK),
          X(COMPONENT("\x47"), OK), X("\x80\x01\x02\x00\x0b\x41\x04" ID "\x48\x03\x01\x00\x01", OK),
          X("\x80\x01\x02\x00\x48\x41\x04" ID "\x4a\x40" N64, OK),
          /* refused at the second component: the beginning of a key is removed */
          X(EXISTS, NO), X("\x80\x01\x62\x00\x2c\x41\x04" ID "\x42\x02\x02\x00\x43\x20" P32, OK),
          X(COMPONENT("\x44"), "\x6a\x84"), X("\x80\x04\x00\x28\x06\x41\x04" ID, OK),
          /* something else has this id */
          X(EXISTS, YES), X(TYPE, "\x41\x01\x0b\x42\x01\x01\x90\x00"), X(SIZE, "\x41\x02\x00\x40\x90\x00"),
          X(EXISTS, NO), X("\x80\x01\x22\x4f\x4c\x41\x04" ID "\x42\x02\x02\x00\x4a\x40" N64, OK),
          X("\x80\x01\x02\x4f\x0b\x41\x04" ID "\x48\x03\x01\x00\x01", OK), X(EXISTS, NO),
          X("\x80\x01\x62\x00\x0a\x41\x04" ID "\x42\x02\x08\x00", OK));

    assert_int_equal(se_rsa_write_pair(chip, 0x20181001, &rsa_pair, NULL), ERR_OK);
    assert_int_equal(se_rsa_write_pair(chip, 0x20181001, &rsa_pair, NULL), ERR_NO_SPACE);
    assert_int_equal(se_rsa_write_pair(chip, 0x20181001, &rsa_pair, NULL), ERR_EXISTS);
    assert_int_equal(se_rsa_write_public(chip, 0x20181001, rsa_pair.n, rsa_pair.e, NULL), ERR_OK);
    assert_int_equal(se_rsa_generate(chip, 0x20181001, 2048, NULL), ERR_OK);
    incomplete.qinv = (struct slice){ 0 };
    assert_int_equal(se_rsa_write_pair(chip, 1, &incomplete, NULL), ERR_INVALID);
    odd.n = slice_skip(odd.n, 2);
    assert_int_equal(se_rsa_write_pair(chip, 1, &odd, NULL), ERR_UNSUPPORTED); /* 504 bits */
    assert_int_equal(se_rsa_generate(chip, 1, 2047, NULL), ERR_UNSUPPORTED);
    FINISH();
}

static void rsa_use(void **state)
{
    autobuf out = BUF_INIT(300);
    autobuf e = BUF_INIT(300);
    BEGIN(
        X("\x80\x03\x02\x38\x00\x00\x4b\x41\x04" ID "\x42\x01\x0c\x43\x40" N64 "\x00\x00", "\x41\x40" N64 OK),
        X("\x80\x03\x02\x37\x00\x00\x4b\x41\x04" ID "\x42\x01\x0c\x43\x40" N64 "\x00\x00", "\x41\x40" N64 OK),
        X("\x80\x03\x02\x38\x00\x00\x4b\x41\x04" ID "\x42\x01\x0a\x43\x40" N64 "\x00\x00", "\x41\x03"
                                                                                           "msg" OK),
        /* a raw result is as long as the modulus */
        X("\x80\x03\x02\x38\x00\x00\x4b\x41\x04" ID "\x42\x01\x0c\x43\x40" N64 "\x00\x00", "\x41\x03"
                                                                                           "msg" OK),
        /* 00 01 FF*58 00 "abc" */
        X("\x80\x03\x02\x38\x00\x00\x4b\x41\x04" ID "\x42\x01\x0c\x43\x40\x00\x01"
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
          "\xff\xff\xff\xff\xff"
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
          "\xff\xff\xff\xff\xff"
          "\x00"
          "abc"
          "\x00\x00",
          "\x41\x40" N64 OK),
        X("\x80\x02\x00\x00\x00\x00\x09\x41\x04" ID "\x44\x01\x00\x00\x00", "\x41\x41\x00" N64 OK),
        X("\x80\x02\x00\x00\x00\x00\x09\x41\x04" ID "\x44\x01\x01\x00\x00", "\x41\x03\x01\x00\x01" OK),
        X("\x80\x02\x00\x00\x00\x00\x09\x41\x04" ID "\x44\x01\x00\x00\x00", "\x41\x02\x00\x00" OK));

    assert_int_equal(se_rsa_private_raw(chip, 0x20181001, SLICE_LIT(N64), &out), ERR_OK);
    assert_int_equal(se_rsa_public_raw(chip, 0x20181001, SLICE_LIT(N64), &out), ERR_OK);
    assert_int_equal(se_rsa_decrypt_pkcs1(chip, 0x20181001, SLICE_LIT(N64), &out), ERR_OK);
    assert_int_equal(out.n, 64 + 64 + 3);
    assert_int_equal(se_rsa_private_raw(chip, 0x20181001, SLICE_LIT(N64), &out), ERR_PROTO);
    assert_int_equal(out.n, 64 + 64 + 3);
    assert_int_equal(se_rsa_sign_pkcs1(chip, 0x20181001, 64, SLICE_LIT("abc"), &out), ERR_OK);
    assert_int_equal(se_rsa_sign_pkcs1(chip, 1, 64, slice_head(SLICE_LIT(N64), 54), &out),
                     ERR_TOO_BIG); /* 53 fit */
    assert_int_equal(se_rsa_private_raw(chip, 1, SLICE_LIT(""), &out), ERR_INVALID);
    buf_clear(&out);
    assert_int_equal(se_rsa_public(chip, 0x20181001, &out, &e), ERR_OK);
    assert_int_equal(out.n, 64);
    assert_int_equal(e.n, 3);
    assert_int_equal(se_rsa_public(chip, 0x20181001, &out, &e), ERR_PROTO); /* a modulus of zero */
    assert_int_equal(out.n, 64);
    FINISH();
}

static void crypto_objects(void **state)
{
    struct se_crypto_object objects[SE_CRYPTO_OBJECTS_MAX];
    size_t n = 77;
    BEGIN(X("\x80\x02\x10\x25\x00", "\x41\x08\x00\x03\x01\x04\x00\x0e\x02\x0e\x90\x00"),
          X("\x80\x04\x10\x28\x04\x41\x02\x00\x03", OK),
          X("\x80\x02\x10\x25\x00", "\x41\x03\x00\x03\x01\x90\x00"));

    assert_int_equal(se_crypto_object_list(chip, objects, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(objects[1].id, 14);
    assert_int_equal(objects[1].context, 2);
    assert_int_equal(objects[1].subtype, 14);
    assert_int_equal(se_crypto_object_delete(chip, 3), ERR_OK);
    assert_int_equal(se_crypto_object_list(chip, objects, &n), ERR_PROTO);
    assert_int_equal(n, 2);
    FINISH();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exists),
        cmocka_unit_test(type_and_size),
        cmocka_unit_test(curve_types_of_7x_fold),
        cmocka_unit_test(list_in_pages),
        cmocka_unit_test(list_is_limited),
        cmocka_unit_test(read_values),
        cmocka_unit_test(write_files),
        cmocka_unit_test(file_one_byte_too_large),
        cmocka_unit_test(uid_and_memory),
        cmocka_unit_test(ec_write),
        cmocka_unit_test(curve_on_demand),
        cmocka_unit_test(ec_use),
        cmocka_unit_test(rsa_write),
        cmocka_unit_test(rsa_use),
        cmocka_unit_test(crypto_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
