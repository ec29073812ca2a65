#include "../cm.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

static void reads_and_writes_mirror(void **state)
{
    autobuf b = BUF_INIT(100);
    struct writer w = writer_of(&b);

    writer_u8(&w, 1);
    writer_be16(&w, 0x0203);
    writer_be32(&w, 0x04050607);
    writer_be64(&w, 0x08090a0b0c0d0e0f);
    writer_str(&w, "end");
    assert_int_equal(writer_done(&w), ERR_OK);

    struct reader r = reader_of(buf_slice(&b));
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_be16(&r), 0x0203);
    assert_int_equal(reader_be32(&r), 0x04050607);
    assert_int_equal(reader_be64(&r), 0x08090a0b0c0d0e0f);
    assert_int_equal(reader_done(&r), ERR_PROTO); /* something is left */
    assert_int_equal(reader_ok(&r), ERR_OK);
    assert_true(slice_eq(reader_bytes(&r, 3), SLICE_LIT("end")));
    assert_int_equal(reader_done(&r), ERR_OK);
}

static void failure_is_sticky(void **state)
{
    struct reader r = reader_of(SLICE_LIT("abc"));

    assert_int_equal(reader_be32(&r), 0);
    assert_int_equal(reader_u8(&r), 0); /* the three bytes are gone with the failure */
    assert_int_equal(reader_done(&r), ERR_PROTO);
    assert_int_equal(reader_ok(&r), ERR_PROTO);

    autobuf b = BUF_INIT(1);
    struct writer w = writer_of(&b);
    writer_be16(&w, 1);
    writer_u8(&w, 1);
    assert_int_equal(writer_done(&w), ERR_TOO_BIG);
    assert_int_equal(b.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reads_and_writes_mirror),
                                        cmocka_unit_test(failure_is_sticky) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
