#include "../cm.h"
#include "broker/internal.h"

/* The ring against a plain array, over random walks; and that it holds no more than it must. */

static struct broker_msg *message(struct broker *b, uint64_t n)
{
    const struct broker_message m = { .topic = SLICE_LIT("t"), .payload = slice_of(&n, sizeof(n)) };
    struct broker_msg *msg;

    assert_int_equal(broker_msg_new(b, &m, 0, &msg), ERR_OK);
    return msg;
}

static void push(struct queue *q, struct broker *b, uint64_t seq)
{
    assert_int_equal(queue_push(q, &(struct queued){ .msg = message(b, seq), .seq = seq, .qos = 1 }), ERR_OK);
}

static void pass_next(struct queue *q)
{
    struct queued *e = queue_waiting(q);

    e->packet_id = (uint16_t)(e->seq % 65535 + 1);
    queue_pass(q);
}

struct model {
    uint64_t seq[512];
    size_t n, sent;
};

static void model_remove(struct model *m, size_t i)
{
    memmove(&m->seq[i], &m->seq[i + 1], (m->n - i - 1) * sizeof(m->seq[0]));
    m->n--;
    m->sent -= i < m->sent;
}

static void agree(const struct queue *q, const struct model *m)
{
    assert_int_equal(queue_waiting_n(q), m->n - m->sent);
    assert_int_equal(q->inflight, m->sent);
    assert_int_equal(q->bytes, m->n * 9);
    if (m->n > m->sent)
        assert_int_equal(queue_waiting(q)->seq, m->seq[m->sent]);
    else
        assert_null(queue_waiting(q));
    if (m->sent)
        assert_int_equal(queue_oldest(q)->seq, m->seq[0]);
    else
        assert_null(queue_oldest(q));
    for (size_t i = 0; i < m->n; i++) {
        const struct queued *e = queue_find(q, (uint16_t)(m->seq[i] % 65535 + 1));

        assert_true(i < m->sent ? e && e->seq == m->seq[i] : !e);
    }
}

static void step(struct queue *q, struct broker *b, struct model *m, unsigned dice, uint64_t *seq)
{
    if (dice < 40 && m->n < ARRAY_LEN(m->seq)) {
        push(q, b, ++*seq);
        m->seq[m->n++] = *seq;
    } else if (dice < 65 && m->sent < m->n) {
        pass_next(q);
        m->sent++;
    } else if (dice < 95 && m->sent) {
        size_t i = (size_t)rand() % m->sent;

        queue_settle(q, queue_find(q, (uint16_t)(m->seq[i] % 65535 + 1)));
        model_remove(m, i);
    } else if (dice < 98 && m->sent < m->n) {
        queue_settle(q, queue_waiting(q)); /* given up before it was sent */
        model_remove(m, m->sent);
    } else if (dice == 99) {
        queue_rewind(q);
        for (size_t i = 0; i < m->n; i++)
            queue_at(q, (uint32_t)i)->packet_id = 0;
        m->sent = 0;
    }
}

static void random_walks(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        struct broker b = { 0 };
        struct queue q = { 0 };
        struct model m = { .n = 0 };
        uint64_t seq = 0;

        srand(seed);
        for (unsigned i = 0; i < 400; i++) {
            step(&q, &b, &m, (unsigned)rand() % 100, &seq);
            agree(&q, &m);
        }
        queue_clear(&q);
        assert_int_equal(q.room, 0);
    }
}

/* One message never acknowledged, thousands of others that are: the gaps do not pile up. */
static void gaps_are_squeezed_out(void **state)
{
    struct broker b = { 0 };
    struct queue q = { 0 };
    (void)state;

    push(&q, &b, 1);
    pass_next(&q);
    for (uint64_t seq = 2; seq < 50000; seq++) {
        push(&q, &b, seq);
        pass_next(&q);
        queue_settle(&q, queue_find(&q, (uint16_t)(seq % 65535 + 1)));
    }
    assert_true(q.room <= 8);
    assert_int_equal(queue_oldest(&q)->seq, 1);
    queue_clear(&q);
}

static void an_empty_queue_holds_little(void **state)
{
    struct broker b = { 0 };
    struct queue q = { 0 };
    (void)state;

    for (uint64_t seq = 1; seq <= 1000; seq++)
        push(&q, &b, seq);
    assert_int_equal(q.room, 1024);
    while (queue_waiting(&q))
        queue_settle(&q, queue_waiting(&q));
    assert_int_equal(q.room, 0);
    push(&q, &b, 1);
    queue_settle(&q, queue_waiting(&q));
    assert_int_equal(q.room, 4); /* the next message costs no allocation */
    queue_clear(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_walks),
        cmocka_unit_test(gaps_are_squeezed_out),
        cmocka_unit_test(an_empty_queue_holds_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
