/* A client's command: whatever is let through has one spelling, and at least one operation that a rule must
 * allow. */
#include "keyd/classify.h"
#include "se/wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct slice part, struct slice whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* The fields put together again are the bytes that came. */
static void check_spelling(const struct keyd_apdu *a)
{
    autobuf again = BUF_INIT(SE_APDU_MAX * 2);
    struct writer w = writer_of(&again);

    for (unsigned i = 0; i < a->count; i++)
        tlv_put(&w, a->field[i].tag, a->field[i].value);
    assert(!writer_done(&w) && again.n <= a->stem.n);
    assert(slice_eq(buf_slice(&again), slice_skip(a->stem, a->stem.n - again.n)));
}

static void check_uses(const struct keyd_command *c)
{
    assert(c->count > 0 && c->count <= KEYD_USES_MAX);
    for (unsigned i = 0; i < c->count; i++) {
        assert(c->uses[i].op != 0);
        assert((c->uses[i].id != 0) == ((c->uses[i].op & (KEYD_OPS_KEY | KEYD_LIST)) != 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct keyd_command c;
    err_t e = size <= SE_APDU_MAX ? keyd_classify(in, &c) : ERR_PROTO;

    assert(!e || e == ERR_PROTO || e == ERR_DENIED);
    if (e)
        return 0;
    assert(data[0] == SE_CLA_APPLET);
    check_uses(&c);
    assert(within(c.context, in) && within(c.session, in) && within(c.apdu.stem, in));
    assert(!c.in_session || c.session.n == SE_SESSION_ID_LEN);
    if (c.kind >= KEYD_CONTEXT && c.kind <= KEYD_CONTEXT_DELETE)
        assert(c.context.n == KEYD_CRYPTO_OBJECT_LEN);
    check_spelling(&c.apdu);
    return 0;
}
