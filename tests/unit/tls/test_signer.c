/* tests/unit/tls/test_signer.c - a key that needs 300 ms for a signature must not stop the loop. */
#include "tls/signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../net/recorder.h"
#include "certs.h"
#include "slow_key.h"
#include "tls/stream.h"

static struct id ca, server, device, chip_server;
static EVP_PKEY *slow_device, *slow_server;
static RSA_METHOD *methods[2];
static char *ca_file;

static int make_certs(void **state)
{
    (void)state;
    ca = id_make(&(struct id_opts){ .cn = "Test CA", .ca = true });
    server = id_make(&(struct id_opts){ .cn = "server", .san = "DNS:localhost", .issuer = &ca });
    chip_server =
        id_make(&(struct id_opts){ .cn = "chip", .san = "DNS:localhost", .issuer = &ca, .rsa = true });
    device = id_make(&(struct id_opts){ .cn = "device", .issuer = &ca, .rsa = true });
    slow_device = slow_key_new(device.key, &methods[0]);
    slow_server = slow_key_new(chip_server.key, &methods[1]);
    ca_file = id_write_cert(&ca);
    return 0;
}

static int drop_certs(void **state)
{
    (void)state;
    EVP_PKEY_free(slow_device);
    EVP_PKEY_free(slow_server);
    RSA_meth_free(methods[0]);
    RSA_meth_free(methods[1]);
    id_done(&ca);
    id_done(&server);
    id_done(&chip_server);
    id_done(&device);
    unlink(ca_file);
    free(ca_file);
    return 0;
}

#define CONNS 3

/* Looks at the clock every 2 ms: the longest gap is the longest time the loop was not there. */
struct stall {
    struct net_timer *timer;
    int64_t last_us, longest_us;
};

static void tick(void *ctx)
{
    struct stall *s = ctx;
    int64_t now = clock_mono_us();
    if (s->last_us && now - s->last_us > s->longest_us)
        s->longest_us = now - s->last_us;
    s->last_us = now;
    net_timer_set(s->timer, 2);
}

struct bench {
    struct net_loop *loop;
    struct tls_signer *signer;
    struct tls_context *sc, *cc;
    struct recorder c[CONNS], s[CONNS];
    struct stall stall;
};

struct setup {
    bool no_tls13;
    bool server_signs; /* the slow key is the server's */
    bool no_signer;    /* the control: sign on the loop */
    size_t max_queue;
    int64_t client_handshake_ms;
};

static void connect_one(struct bench *b, int i)
{
    struct net_stream *a = NULL, *z = NULL, *s = NULL, *c = NULL;
    assert_int_equal(net_stream_pair(b->loop, &a, &z), ERR_OK);
    assert_int_equal(tls_server_stream_new(b->sc, z, &s), ERR_OK);
    assert_int_equal(tls_client_stream_new(b->cc, a, "localhost", &c), ERR_OK);
    rec_attach(&b->s[i], s);
    rec_attach(&b->c[i], c);
    assert_int_equal(net_stream_write(c, SLICE_LIT("hello")), ERR_OK);
}

static void bench_start(struct bench *b, const struct setup *o)
{
    *b = (struct bench){ 0 };
    slow_ms = 300;
    slow_fails = 0;
    slow_signatures = 0;
    slow_thread = 0;
    assert_int_equal(net_loop_new(&b->loop), ERR_OK);
    if (!o->no_signer)
        assert_int_equal(tls_signer_new(o->max_queue, &b->signer), ERR_OK);
    struct tls_server_opts so = { .cert = server.cert,
                                  .key = server.key,
                                  .client_cert = TLS_CLIENT_CERT_REQUIRE };
    struct tls_client_opts co = { .ca_file = ca_file,
                                  .cert = device.cert,
                                  .key = slow_device,
                                  .signer = b->signer,
                                  .no_tls13 = o->no_tls13,
                                  .handshake_ms = o->client_handshake_ms };
    if (o->server_signs) {
        so.cert = chip_server.cert;
        so.key = slow_server;
        so.signer = b->signer;
        co.key = device.key;
        co.signer = NULL;
    }
    assert_int_equal(tls_server_context_new(&so, &b->sc, NULL), ERR_OK);
    assert_int_equal(tls_client_context_new(&co, &b->cc, NULL), ERR_OK);
    assert_int_equal(net_timer_new(b->loop, tick, &b->stall, &b->stall.timer), ERR_OK);
    net_timer_set(b->stall.timer, 0);
}

static void bench_done(struct bench *b)
{
    for (int i = 0; i < CONNS; i++) {
        rec_done(&b->c[i]);
        rec_done(&b->s[i]);
    }
    tls_signer_free(b->signer); /* before the loop: what is away comes back */
    tls_context_free(b->cc);
    tls_context_free(b->sc);
    net_timer_free(b->stall.timer);
    net_loop_free(b->loop);
}

static bool all_said_hello(const struct bench *b)
{
    for (int i = 0; i < CONNS; i++)
        if (b->s[i].got.n != 5)
            return false;
    return true;
}

static void the_loop_goes_on_while_the_token_signs(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        struct setup o = { .no_tls13 = round & 1, .server_signs = round & 2 };
        struct bench b;
        bench_start(&b, &o);
        for (int i = 0; i < CONNS; i++)
            connect_one(&b, i);
        assert_true(TURN_UNTIL(b.loop, all_said_hello(&b), 10000));
        print_message("  TLS 1.%d, %s signs: longest stall %.1f ms\n", o.no_tls13 ? 2 : 3,
                      o.server_signs ? "server" : "client", (double)b.stall.longest_us / 1000);
        /* One private key operation per full handshake, none of them here. On a quiet machine the longest
         * stall is 2 to 6 ms (docs/tls.md); the bound leaves room for a busy one and is far below a
         * signature. */
        assert_int_equal(slow_signatures, CONNS);
        assert_int_not_equal(slow_thread, (unsigned long)pthread_self());
        assert_true(b.stall.longest_us < 150000);
        bench_done(&b);
    }
}

/* The control: this is what the clock above sees without a signer. */
static void without_a_signer_the_loop_stops(void **state)
{
    struct setup o = { .no_signer = true };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    connect_one(&b, 0);
    assert_true(TURN_UNTIL(b.loop, b.s[0].got.n == 5, 10000));
    assert_true(b.stall.longest_us >= 300000);
    assert_int_equal(slow_thread, (unsigned long)pthread_self());
    bench_done(&b);
}

static void turn_until_away(struct bench *b, int signatures)
{
    assert_true(TURN_UNTIL(b->loop, slow_signatures == signatures, 5000));
}

static void a_full_queue_is_busy(void **state)
{
    struct setup o = { .max_queue = 1 };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    connect_one(&b, 0);
    turn_until_away(&b, 1); /* one is being signed, one may wait, the third is one too many */
    connect_one(&b, 1);
    connect_one(&b, 2);
    assert_true(TURN_UNTIL(b.loop, b.c[1].closed + b.c[2].closed == 1, 5000));
    assert_int_equal(b.c[1].closed ? b.c[1].why : b.c[2].why, ERR_BUSY);
    assert_true(TURN_UNTIL(b.loop, b.c[0].opened + b.c[1].opened + b.c[2].opened == 2, 5000));
    bench_done(&b);
}

static void freed_while_the_token_signs(void **state)
{
    struct setup o = { 0 };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    connect_one(&b, 0);
    connect_one(&b, 1);
    turn_until_away(&b, 1);
    net_stream_free(steal(&b.c[0].s));                                     /* being signed */
    net_stream_free(steal(&b.c[1].s));                                     /* waiting: never signed */
    assert_true(TURN_UNTIL(b.loop, b.s[0].closed && b.s[1].closed, 5000)); /* cut at once, not in 300 ms */
    bench_done(&b);
    assert_int_equal(slow_signatures, 1);
}

static void the_deadline_does_not_wait_for_the_token(void **state)
{
    struct setup o = { .client_handshake_ms = 60 };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    slow_ms = 500;
    int64_t start = clock_mono_ms();
    connect_one(&b, 0);
    assert_true(TURN_UNTIL(b.loop, b.c[0].closed, 5000));
    assert_int_equal(b.c[0].why, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start < 450);
    assert_non_null(strstr(net_stream_why(b.c[0].s), "TLS handshake"));
    bench_done(&b);
}

static void a_server_that_leaves_meanwhile(void **state)
{
    struct setup o = { 0 };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    connect_one(&b, 0);
    turn_until_away(&b, 1);
    net_stream_free(steal(&b.s[0].s));
    assert_true(TURN_UNTIL(b.loop, b.c[0].closed, 5000));
    assert_true(b.c[0].why == ERR_EOF || b.c[0].why == ERR_PROTO);
    bench_done(&b);
}

static void a_token_that_does_not_sign(void **state)
{
    struct setup o = { 0 };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    slow_fails = 1;
    slow_ms = 10;
    connect_one(&b, 0);
    assert_true(TURN_UNTIL(b.loop, b.c[0].closed, 5000));
    print_message("  %s\n", net_stream_why(b.c[0].s));
    assert_int_equal(b.c[0].why, ERR_CRYPTO);
    assert_non_null(strstr(net_stream_why(b.c[0].s), "our private key did not sign"));
    assert_non_null(strstr(net_stream_why(b.c[0].s), "CKR_DEVICE_ERROR"));
    bench_done(&b);
}

static void stopping_returns_what_waits(void **state)
{
    struct setup o = { 0 };
    struct bench b;
    (void)state;
    bench_start(&b, &o);
    for (int i = 0; i < CONNS; i++)
        connect_one(&b, i);
    turn_until_away(&b, 1);
    tls_signer_free(b.signer);
    b.signer = NULL;
    assert_true(TURN_UNTIL(b.loop, b.c[1].closed && b.c[2].closed, 5000));
    assert_int_equal(b.c[2].why, ERR_CANCELLED);
    assert_int_equal(slow_signatures, 1);
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_goes_on_while_the_token_signs),
        cmocka_unit_test(without_a_signer_the_loop_stops),
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(freed_while_the_token_signs),
        cmocka_unit_test(the_deadline_does_not_wait_for_the_token),
        cmocka_unit_test(a_server_that_leaves_meanwhile),
        cmocka_unit_test(a_token_that_does_not_sign),
        cmocka_unit_test(stopping_returns_what_waits),
    };
    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
