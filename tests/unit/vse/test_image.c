/* The state file's form: torn ends are forgiven, damage is not. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/image.h"

struct seen {
    unsigned puts, deletes;
    uint32_t last_id;
};

static err_t count(void *ctx, const struct vse_nvm_op *op)
{
    struct seen *s = ctx;

    *(op->put ? &s->puts : &s->deletes) += 1;
    s->last_id = op->id;
    return ERR_OK;
}

static err_t refuse(void *ctx, const struct vse_nvm_op *op)
{
    (void)ctx;
    (void)op;
    return ERR_NOMEM;
}

/* Three records: two puts, one with two changes, and a delete. Slots say `slot0` and `slot1` records. */
static size_t ends[4] = { VSE_IMAGE_RECORDS };

static void set_slot(struct buf *b, unsigned which, uint64_t seq)
{
    vse_image_slot(b->p + VSE_IMAGE_SECTOR * (1 + which), seq, ends[seq]);
}

static void build(struct buf *b)
{
    const struct vse_nvm_op put[] = {
        { .put = true, .kind = VSE_NVM_OBJECT, .id = 1, .value = SLICE_LIT("one") },
        { .put = true, .kind = VSE_NVM_OBJECT, .id = 2, .value = SLICE_LIT("") },
        { .kind = VSE_NVM_OBJECT, .id = 1 },
    };

    *b = BUF_INIT(100000);
    assert_int_equal(vse_image_head(b, 0, VSE_IMAGE_RECORDS), ERR_OK);
    assert_int_equal(b->n, VSE_IMAGE_RECORDS);
    assert_int_equal(vse_image_record(b, 1, put, 1), ERR_OK);
    ends[1] = b->n;
    assert_int_equal(vse_image_record(b, 2, put, 2), ERR_OK);
    ends[2] = b->n;
    assert_int_equal(vse_image_record(b, 3, put + 2, 1), ERR_OK);
    ends[3] = b->n;
    set_slot(b, 0, 2);
    set_slot(b, 1, 3);
}

static err_t load(const struct buf *b, size_t n, struct seen *seen, struct vse_image_end *end)
{
    autofree uint8_t *copy = mem_dup(b->p, n);

    *seen = (struct seen){ 0 };
    return vse_image_load(slice_of(copy, n), count, seen, end);
}

static void whole(void **state)
{
    autobuf b = { 0 };
    struct vse_image_end end;
    struct seen s;
    (void)state;

    build(&b);
    assert_int_equal(load(&b, b.n, &s, &end), ERR_OK);
    assert_int_equal(s.puts, 3);
    assert_int_equal(s.deletes, 1);
    assert_int_equal(end.seq, 3);
    assert_int_equal(end.end, b.n);
    assert_false(end.mend);
    assert_int_equal(vse_image_load(buf_slice(&b), refuse, NULL, &end), ERR_NOMEM);
}

static void a_torn_end_is_forgiven(void **state)
{
    autobuf b = { 0 };
    struct vse_image_end end;
    struct seen s;
    (void)state;

    build(&b);
    set_slot(&b, 1, 1); /* the third record was never acknowledged: slots say 2 and 1 */
    for (size_t n = ends[2]; n < ends[3]; n++) {
        assert_int_equal(load(&b, n, &s, &end), ERR_OK);
        assert_int_equal(end.seq, 2);
        assert_int_equal(end.end, ends[2]);
    }
    assert_int_equal(load(&b, ends[3], &s, &end), ERR_OK); /* whole, though no slot tells: it counts */
    assert_int_equal(end.seq, 3);
    assert_true(end.mend);
}

static void what_a_slot_covers_must_be_there(void **state)
{
    autobuf b = { 0 };
    struct vse_image_end end = { .seq = 77 };
    struct seen s;
    (void)state;

    build(&b);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(load(&b, n, &s, &end), ERR_CORRUPT);
    assert_int_equal(end.seq, 77); /* untouched on failure */
    for (size_t i = VSE_IMAGE_RECORDS; i < b.n; i++) {
        b.p[i] ^= 1;
        assert_int_equal(load(&b, b.n, &s, &end), ERR_CORRUPT);
        b.p[i] ^= 1;
    }
}

static void one_bad_slot_costs_nothing_two_are_damage(void **state)
{
    autobuf b = { 0 };
    struct vse_image_end end;
    struct seen s;
    (void)state;

    build(&b);
    for (unsigned which = 0; which < 2; which++)
        for (size_t i = 0; i < VSE_IMAGE_SLOT_LEN; i++) {
            size_t at = VSE_IMAGE_SECTOR * (1 + which) + i;
            b.p[at] ^= 0x10;
            assert_int_equal(load(&b, b.n, &s, &end), ERR_OK);
            assert_int_equal(end.seq, 3);
            assert_true(end.mend);
            b.p[at] ^= 0x10;
        }
    b.p[VSE_IMAGE_SECTOR] ^= 1;
    b.p[2 * VSE_IMAGE_SECTOR] ^= 1;
    assert_int_equal(load(&b, b.n, &s, &end), ERR_CORRUPT);
}

static void headers(void **state)
{
    autobuf b = { 0 };
    struct vse_image_end end;
    struct seen s;
    (void)state;

    build(&b);
    for (size_t i = 0; i < 16; i++) {
        b.p[i] ^= 1;
        assert_int_equal(load(&b, b.n, &s, &end), ERR_CORRUPT);
        b.p[i] ^= 1;
    }
}

static void records_have_a_limit(void **state)
{
    autobuf out = BUF_INIT(1 << 20), value = BUF_INIT(1 << 20);
    struct vse_nvm_op op = { .put = true, .kind = VSE_NVM_OBJECT, .id = 1 };
    (void)state;

    while (value.n < VSE_RECORD_MAX - 9) /* the change's own head is ten bytes */
        assert_int_equal(buf_add_u8(&value, 'x'), ERR_OK);
    op.value = buf_slice(&value);
    assert_int_equal(vse_image_record(&out, 1, &op, 1), ERR_TOO_BIG);
    assert_int_equal(out.n, 0);
    op.value.n--;
    assert_int_equal(vse_image_record(&out, 1, &op, 1), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(a_torn_end_is_forgiven),
        cmocka_unit_test(what_a_slot_covers_must_be_there),
        cmocka_unit_test(one_bad_slot_costs_nothing_two_are_damage),
        cmocka_unit_test(headers),
        cmocka_unit_test(records_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
