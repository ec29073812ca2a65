#include "../cm.h"
#include "base/crc.h"
#include "pkcs11/directory.h"
#include "pkcs11/object.h"

static const struct p11_record identity = {
    .id = 0x20181001,
    .kind = P11_RECORD_KEY,
    .private = true,
    .may = P11_MAY_SIGN | P11_MAY_VERIFY,
    .label = { (const uint8_t *)"identity", 8 },
    .cka_id = { (const uint8_t *)"\xb1", 1 },
};
static const struct p11_record core = {
    .id = 0x7b510007,
    .kind = P11_RECORD_CERTIFICATE,
    .label = { (const uint8_t *)"core", 4 },
    .cka_id = { (const uint8_t *)"\xb1", 1 },
};

static void make(struct p11_directory *d, struct buf *out)
{
    p11_directory_init(d);
    d->sequence = 7;
    d->user_pin = 1;
    d->pending = P11_PENDING_USER;
    memcpy(d->label, "my device                       ", sizeof(d->label));
    assert_int_equal(p11_directory_put(d, &identity), ERR_OK);
    assert_int_equal(p11_directory_put(d, &core), ERR_OK);
    assert_int_equal(p11_directory_encode(d, out), ERR_OK);
}

static void what_is_written_is_read(void **state)
{
    auto_directory struct p11_directory d = { 0 }, e = { 0 };
    autobuf file = BUF_INIT(P11_DIRECTORY_MAX);
    size_t n = 0;

    make(&d, &file);
    assert_int_equal(p11_directory_size(slice_head(buf_slice(&file), P11_DIRECTORY_HEADER), &n), ERR_OK);
    assert_int_equal(n, file.n);
    assert_int_equal(buf_add(&file, SLICE_LIT("\0\0\0padding of the file")), ERR_OK);
    p11_directory_init(&e);
    assert_int_equal(p11_directory_decode(buf_slice(&file), &e), ERR_OK);
    assert_int_equal(e.n, 2);
    assert_int_equal(e.sequence, 7);
    assert_int_equal(e.user_pin, 1);
    assert_int_equal(e.so_pin, 0);
    assert_int_equal(e.pending, P11_PENDING_USER);
    assert_memory_equal(e.label, d.label, sizeof(d.label));
    const struct p11_record *r = p11_directory_find(&e, identity.id);
    assert_non_null(r);
    assert_true(r->private && r->may == identity.may && slice_eq(r->label, identity.label) &&
                slice_eq(r->cka_id, identity.cka_id));
    p11_directory_remove(&e, identity.id);
    assert_null(p11_directory_find(&e, identity.id));
    assert_non_null(p11_directory_find(&e, core.id));
}

/* A file that the power left half written never counts: no prefix, and no byte changed. */
static void nothing_but_the_whole_file_is_taken(void **state)
{
    auto_directory struct p11_directory d = { 0 }, e = { 0 };
    autobuf file = BUF_INIT(P11_DIRECTORY_MAX);

    make(&d, &file);
    p11_directory_init(&e);
    for (size_t n = 0; n < file.n; n++) {
        autofree uint8_t *copy = mem_dup(file.p, n);
        assert_int_equal(p11_directory_decode(slice_of(copy, n), &e), ERR_CORRUPT);
        assert_int_equal(e.n, 0);
    }
    for (size_t i = 0; i < file.n; i++) {
        file.p[i] ^= 0x10;
        assert_int_equal(p11_directory_decode(buf_slice(&file), &e), ERR_CORRUPT);
        file.p[i] ^= 0x10;
    }
    assert_int_equal(p11_directory_decode(buf_slice(&file), &e), ERR_OK);
}

/* A directory of the next format, whole: the header and its checksum are where they are in every format. */
static void a_later_format_is_told_from_damage(void **state)
{
    auto_directory struct p11_directory d = { 0 }, e = { 0 };
    autobuf file = BUF_INIT(P11_DIRECTORY_MAX);

    make(&d, &file);
    p11_directory_init(&e);
    file.p[4]++;
    assert_int_equal(p11_directory_decode(buf_slice(&file), &e), ERR_CORRUPT);
    uint32_t crc = crc32_ieee(slice_of(file.p, P11_DIRECTORY_HEADER - 4));
    crc = crc32_ieee_add(crc, slice_skip(buf_slice(&file), P11_DIRECTORY_HEADER));
    for (int i = 0; i < 4; i++)
        file.p[P11_DIRECTORY_HEADER - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
    assert_int_equal(p11_directory_decode(buf_slice(&file), &e), ERR_UNSUPPORTED);
    assert_int_equal(e.n, 0);
}

static void the_largest_directory_fits_and_no_larger(void **state)
{
    auto_directory struct p11_directory d = { 0 };
    autobuf file = BUF_INIT(P11_DIRECTORY_MAX);
    uint8_t text[P11_TEXT_MAX] = { 'x' };
    struct p11_record r = { .id = 1, .label = SLICE_ARRAY(text), .cka_id = SLICE_ARRAY(text) };
    err_t e = ERR_OK;

    p11_directory_init(&d);
    for (d.sequence = 1; !e; r.id++) {
        assert_int_equal(p11_directory_put(&d, &r), ERR_OK);
        buf_clear(&file);
        e = p11_directory_encode(&d, &file);
    }
    assert_int_equal(e, ERR_TOO_BIG);
    assert_true(d.n > 50);
    assert_int_equal(file.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nothing_but_the_whole_file_is_taken),
        cmocka_unit_test(a_later_format_is_told_from_damage),
        cmocka_unit_test(the_largest_directory_fits_and_no_larger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
