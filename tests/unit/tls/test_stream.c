/* tests/unit/tls/test_stream.c - handshakes that work and handshakes that fail, in memory and over TCP. */
#include "tls/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../net/recorder.h"
#include "certs.h"
#include "net/listener.h"
#include "net/stream_impl.h"

static struct id ca, other_ca, server, device, stranger, stale_server;
static char *ca_file, *other_ca_file;

static int make_certs(void **state)
{
    (void)state;
    ca = id_make(&(struct id_opts){ .cn = "Test CA", .ca = true });
    other_ca = id_make(&(struct id_opts){ .cn = "Other CA", .ca = true });
    server = id_make(&(struct id_opts){ .cn = "server", .san = "DNS:localhost,IP:127.0.0.1", .issuer = &ca });
    stale_server =
        id_make(&(struct id_opts){ .cn = "server", .san = "DNS:localhost", .issuer = &ca, .expired = true });
    device = id_make(&(struct id_opts){ .cn = "device", .issuer = &other_ca, .rsa = true });
    stranger = id_make(&(struct id_opts){ .cn = "stranger" }); /* self-signed, without a chain */
    ca_file = id_write_cert(&ca);
    other_ca_file = id_write_cert(&other_ca);
    return 0;
}

static int drop_certs(void **state)
{
    struct id *const all[] = { &ca, &other_ca, &server, &device, &stranger, &stale_server };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        id_done(all[i]);
    unlink(ca_file);
    unlink(other_ca_file);
    free(ca_file);
    free(other_ca_file);
    return 0;
}

struct bench {
    struct net_loop *loop;
    struct tls_context *sc, *cc;
    struct net_stream *raw_c, *raw_s; /* the transports, owned by the TLS streams */
    struct recorder c, s;
};

static struct tls_server_opts server_opts(enum tls_client_cert want)
{
    return (struct tls_server_opts){ .cert = server.cert, .key = server.key, .client_cert = want };
}

static struct tls_client_opts client_opts(const struct id *id)
{
    return (struct tls_client_opts){ .ca_file = ca_file,
                                     .cert = id ? id->cert : NULL,
                                     .key = id ? id->key : NULL };
}

static void bench_start(struct bench *b, const struct tls_server_opts *so, const struct tls_client_opts *co,
                        const char *host)
{
    struct crypto_error why = { 0 };
    struct net_stream *s = NULL, *c = NULL;
    *b = (struct bench){ 0 };
    assert_int_equal(net_loop_new(&b->loop), ERR_OK);
    assert_int_equal(tls_server_context_new(so, &b->sc, &why), ERR_OK);
    assert_int_equal(tls_client_context_new(co, &b->cc, &why), ERR_OK);
    assert_int_equal(net_stream_pair(b->loop, &b->raw_c, &b->raw_s), ERR_OK);
    assert_int_equal(tls_server_stream_new(b->sc, b->raw_s, &s), ERR_OK);
    assert_int_equal(tls_client_stream_new(b->cc, b->raw_c, host, &c), ERR_OK);
    rec_attach(&b->s, s);
    rec_attach(&b->c, c);
}

static void bench_done(struct bench *b)
{
    rec_done(&b->c);
    rec_done(&b->s);
    tls_context_free(b->cc);
    tls_context_free(b->sc);
    net_loop_free(b->loop);
}

static void turn(struct bench *b)
{
    for (int i = 0; i < 20; i++)
        assert_int_equal(net_loop_turn(b->loop, 0), ERR_OK);
}

/* Records cost a call of the kernel each, and an MQTT broker writes many small messages. */
static void what_is_written_in_one_turn_is_one_record(void **state)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    struct tls_client_opts co = client_opts(NULL);
    struct bench b;
    (void)state;
    bench_start(&b, &so, &co, "localhost");
    turn(&b);
    for (int i = 0; i < 3; i++)
        assert_int_equal(net_stream_write(b.s.s, SLICE_LIT("message ")), ERR_OK);
    assert_int_equal(net_stream_queued(b.s.s), 24);
    int before = b.c.reads;
    turn(&b);
    assert_int_equal(net_stream_queued(b.s.s), 0);
    assert_string_equal(buf_str(&b.c.got), "message message message ");
    assert_int_equal(b.c.reads, before + 1);
    assert_true(b.s.drained > 0);
    /* the last words go out before the end */
    assert_int_equal(net_stream_write(b.s.s, SLICE_LIT("bye")), ERR_OK);
    net_stream_finish(steal(&b.s.s));
    turn(&b);
    assert_string_equal(buf_str(&b.c.got), "message message message bye");
    assert_int_equal(b.c.why, ERR_EOF);
    bench_done(&b);
}

/* The server's library context knows few key types: these are what devices have. */
static void client_certificates_of_every_kind(void **state)
{
    EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"),
                         EVP_RSA_gen(2048),   EVP_RSA_gen(3072),   EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct id id = id_make(&(struct id_opts){ .cn = "device", .issuer = &other_ca, .key = keys[i] });
        for (int tls13 = 0; tls13 <= 1; tls13++) {
            struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_REQUIRE);
            struct tls_client_opts co = client_opts(&id);
            struct bench b;
            co.no_tls13 = !tls13;
            bench_start(&b, &so, &co, "localhost");
            turn(&b);
            assert_int_equal(b.s.opened, 1);
            assert_int_equal(X509_cmp(tls_stream_peer_cert(b.s.s), id.cert), 0);
            assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(tls_stream_peer_cert(b.s.s)), keys[i]), 1);
            bench_done(&b);
        }
        id_done(&id);
        EVP_PKEY_free(keys[i]);
    }
}

static void both_ways_with_a_client_certificate(void **state)
{
    (void)state;
    for (int tls13 = 0; tls13 <= 1; tls13++) {
        struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_REQUIRE);
        struct tls_client_opts co = client_opts(&device);
        struct bench b;
        co.no_tls13 = !tls13;
        bench_start(&b, &so, &co, "localhost");
        assert_null(tls_stream_peer_cert(b.s.s));
        assert_int_equal(net_stream_write(b.c.s, SLICE_LIT("early")), ERR_OK); /* before the handshake */
        turn(&b);
        assert_int_equal(b.c.opened, 1);
        assert_int_equal(b.s.opened, 1);
        assert_string_equal(buf_str(&b.s.got), "early");
        assert_string_equal(tls_stream_version(b.c.s), tls13 ? "TLSv1.3" : "TLSv1.2");
        assert_int_equal(X509_cmp(tls_stream_peer_cert(b.s.s), device.cert), 0);
        assert_int_equal(X509_cmp(tls_stream_peer_cert(b.c.s), server.cert), 0);
        assert_string_equal(tls_stream_sni(b.s.s), "localhost");
        assert_true(tls_stream_is_tls(b.s.s));
        assert_false(tls_stream_is_tls(b.raw_s));
        assert_int_equal(net_stream_write(b.s.s, SLICE_LIT("answer")), ERR_OK);
        turn(&b);
        assert_string_equal(buf_str(&b.c.got), "answer");
        assert_int_equal(b.s.drained > 0, 1);
        net_stream_finish(steal(&b.s.s));
        turn(&b);
        assert_int_equal(b.c.why, ERR_EOF); /* close_notify */
        assert_non_null(strstr(net_stream_why(b.c.s), "the peer closed it"));
        bench_done(&b);
    }
}

/* iot-core 1.3: any leaf, without a chain; who it is, is decided above. */
static void any_leaf_is_accepted_without_a_chain(void **state)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_REQUIRE);
    struct tls_client_opts co = client_opts(&stranger);
    struct bench b;
    (void)state;
    bench_start(&b, &so, &co, "localhost");
    turn(&b);
    assert_int_equal(b.s.opened, 1);
    assert_int_equal(X509_cmp(tls_stream_peer_cert(b.s.s), stranger.cert), 0);
    bench_done(&b);
}

static void without_a_client_certificate(void **state)
{
    static const struct {
        enum tls_client_cert want;
        bool opens;
    } cases[] = { { TLS_CLIENT_CERT_NONE, true },
                  { TLS_CLIENT_CERT_REQUEST, true },
                  { TLS_CLIENT_CERT_REQUIRE, false } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_server_opts so = server_opts(cases[i].want);
        struct tls_client_opts co = client_opts(NULL);
        struct bench b;
        bench_start(&b, &so, &co, "localhost");
        turn(&b);
        assert_int_equal(b.s.opened, cases[i].opens);
        if (cases[i].opens) {
            assert_null(tls_stream_peer_cert(b.s.s));
        } else {
            assert_int_equal(b.s.why, ERR_AUTH);
            assert_non_null(strstr(net_stream_why(b.s.s), "the client sent no certificate"));
            assert_int_equal(b.c.why, ERR_AUTH); /* the alert, after the client thought it was open */
            assert_non_null(strstr(net_stream_why(b.c.s), "it wants a client certificate and we gave none"));
        }
        bench_done(&b);
    }
}

static err_t only_device(void *ctx, X509 *leaf)
{
    ++*(int *)ctx;
    return X509_cmp(leaf, device.cert) == 0 ? ERR_OK : ERR_DENIED;
}

static void the_verifier_decides_in_the_handshake(void **state)
{
    (void)state;
    for (int good = 0; good <= 1; good++) {
        int asked = 0;
        struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_REQUIRE);
        struct tls_client_opts co = client_opts(good ? &device : &stranger);
        struct bench b;
        so.verify = only_device;
        so.verify_ctx = &asked;
        bench_start(&b, &so, &co, "localhost");
        turn(&b);
        assert_int_equal(asked, 1);
        assert_int_equal(b.s.opened, good);
        if (!good) {
            assert_int_equal(b.c.why, ERR_AUTH);
            assert_non_null(strstr(net_stream_why(b.c.s), "it does not accept our certificate"));
        }
        bench_done(&b);
    }
}

static const struct {
    const char *what;
    const struct id *server;
    char **ca;
    const char *host;
    const char *client_says, *server_says;
} refused[] = {
    { "unknown CA", &server, &other_ca_file, "localhost", "unable to get local issuer certificate",
      "it does not know the CA that issued our certificate" },
    { "expired", &stale_server, &ca_file, "localhost", "certificate has expired",
      "our certificate has expired" },
    { "other name", &server, &ca_file, "example.com", "hostname mismatch (it is not for 'example.com')", "" },
    { "other address", &server, &ca_file, "127.0.0.2", "IP address mismatch", "" },
};

static void the_client_refuses_and_both_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
        struct tls_client_opts co = client_opts(NULL);
        struct bench b;
        print_message("  %s\n", refused[i].what);
        so.cert = refused[i].server->cert;
        so.key = refused[i].server->key;
        co.ca_file = *refused[i].ca;
        bench_start(&b, &so, &co, refused[i].host);
        turn(&b);
        assert_int_equal(b.c.opened, 0);
        assert_int_equal(b.c.why, ERR_AUTH);
        assert_non_null(strstr(net_stream_why(b.c.s), refused[i].client_says));
        assert_non_null(strstr(net_stream_why(b.c.s), "TLS handshake with pair failed: "));
        assert_int_equal(b.s.closed, 1);
        assert_non_null(strstr(net_stream_why(b.s.s), refused[i].server_says));
        bench_done(&b);
    }
}

static void an_address_is_a_name_too(void **state)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    struct tls_client_opts co = client_opts(NULL);
    struct bench b;
    (void)state;
    bench_start(&b, &so, &co, "127.0.0.1");
    turn(&b);
    assert_int_equal(b.c.opened, 1);
    assert_string_equal(tls_stream_sni(b.s.s), "");
    bench_done(&b);
}

/* iot-core 1.2: 443 is multiplexed by ALPN, and with it the request for a client certificate. */
static void alpn_chooses_protocol_and_client_certificate(void **state)
{
    static const struct tls_alpn table[] = {
        { "x-amzn-mqtt-ca", TLS_CLIENT_CERT_REQUIRE },
        { "x-amzn-http-ca", TLS_CLIENT_CERT_REQUIRE },
        { "http/1.1", TLS_CLIENT_CERT_NONE },
    };
    static const struct {
        const char *offer, *chosen;
        bool cert;
    } cases[] = {
        { "x-amzn-http-ca", "x-amzn-http-ca", true },
        { "http/1.1", "http/1.1", false },
        { "h2", "", false },
        { NULL, "", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
        struct tls_client_opts co = client_opts(&device);
        struct bench b;
        so.alpn = table;
        so.alpn_count = ARRAY_LEN(table);
        co.alpn = cases[i].offer;
        bench_start(&b, &so, &co, "localhost");
        turn(&b);
        assert_int_equal(b.s.opened, 1);
        assert_string_equal(tls_stream_alpn(b.s.s), cases[i].chosen);
        assert_string_equal(tls_stream_alpn(b.c.s), cases[i].chosen);
        assert_int_equal(tls_stream_peer_cert(b.s.s) != NULL, cases[i].cert);
        bench_done(&b);
    }
}

static void a_peer_that_speaks_something_else(void **state)
{
    struct net_loop *loop = NULL;
    struct net_stream *raw = NULL, *end = NULL, *s = NULL;
    struct tls_context *sc = NULL;
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    struct recorder r;
    (void)state;
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(tls_server_context_new(&so, &sc, NULL), ERR_OK);
    assert_int_equal(net_stream_pair(loop, &raw, &end), ERR_OK);
    assert_int_equal(tls_server_stream_new(sc, end, &s), ERR_OK);
    tls_context_free(sc); /* the stream has its own reference */
    rec_attach(&r, s);
    assert_int_equal(net_stream_write(raw, SLICE_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), ERR_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(net_loop_turn(loop, 0), ERR_OK);
    assert_int_equal(r.why, ERR_PROTO);
    assert_non_null(strstr(net_stream_why(s), "does not speak TLS"));
    net_stream_free(raw);
    rec_done(&r);
    net_loop_free(loop);
}

static void a_silent_client_runs_into_the_handshake_deadline(void **state)
{
    struct net_loop *loop = NULL;
    struct net_stream *raw = NULL, *end = NULL, *s = NULL;
    struct tls_context *sc = NULL;
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    struct recorder r;
    (void)state;
    so.handshake_ms = 50;
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(tls_server_context_new(&so, &sc, NULL), ERR_OK);
    assert_int_equal(net_stream_pair(loop, &raw, &end), ERR_OK);
    assert_int_equal(tls_server_stream_new(sc, end, &s), ERR_OK);
    rec_attach(&r, s);
    assert_true(TURN_UNTIL(loop, r.closed, 2000));
    assert_int_equal(r.why, ERR_TIMEOUT);
    rec_done(&r);
    net_stream_free(raw);
    tls_context_free(sc);
    net_loop_free(loop);
}

/* A server's handshakes with peers that say nothing. */
struct crowd {
    struct net_loop *loop;
    struct tls_context *sc;
    struct net_stream *silent[8];
    struct recorder r[8];
};

static void crowd_start(struct crowd *c, size_t max)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    *c = (struct crowd){ 0 };
    so.max_handshakes = max;
    assert_int_equal(net_loop_new(&c->loop), ERR_OK);
    assert_int_equal(tls_server_context_new(&so, &c->sc, NULL), ERR_OK);
}

static void crowd_join(struct crowd *c, size_t i, const char *peer)
{
    struct net_stream *end = NULL, *s = NULL;
    assert_int_equal(net_stream_pair(c->loop, &c->silent[i], &end), ERR_OK);
    free(end->peer);
    end->peer = mem_strdup(peer);
    assert_int_equal(tls_server_stream_new(c->sc, end, &s), ERR_OK);
    rec_attach(&c->r[i], s);
}

/* Bit i: the handshake i was ended for another. */
static unsigned crowd_ended(struct crowd *c)
{
    unsigned ended = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(net_loop_turn(c->loop, 0), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(c->r); i++) {
        ended |= c->r[i].closed ? 1u << i : 0;
        if (c->r[i].closed)
            assert_int_equal(c->r[i].why, ERR_BUSY);
    }
    return ended;
}

static void crowd_done(struct crowd *c)
{
    for (size_t i = 0; i < ARRAY_LEN(c->r); i++) {
        if (c->r[i].s)
            rec_done(&c->r[i]);
        net_stream_free(c->silent[i]);
    }
    tls_context_free(c->sc);
    net_loop_free(c->loop);
}

static void silent_clients_make_room_the_oldest_first(void **state)
{
    struct crowd c;
    (void)state;
    crowd_start(&c, 2);
    crowd_join(&c, 0, "192.0.2.1:1");
    crowd_join(&c, 1, "192.0.2.2:1");
    assert_int_equal(crowd_ended(&c), 0);
    crowd_join(&c, 2, "192.0.2.3:1"); /* one past max_handshakes */
    assert_int_equal(crowd_ended(&c), 1);
    assert_non_null(strstr(net_stream_why(c.r[0].s), "too many are under way"));
    crowd_join(&c, 3, "192.0.2.4:1");
    assert_int_equal(crowd_ended(&c), 3);
    rec_done(&c.r[2]); /* its place is free */
    crowd_join(&c, 4, "192.0.2.5:1");
    assert_int_equal(crowd_ended(&c), 3);
    crowd_done(&c);
}

/* Who holds a quarter of the places pays itself for more of them. */
static void one_address_ends_its_own(void **state)
{
    struct crowd c;
    (void)state;
    crowd_start(&c, 4);
    crowd_join(&c, 0, "192.0.2.1:1");
    crowd_join(&c, 1, "192.0.2.10:1"); /* not the same, though it begins alike */
    crowd_join(&c, 2, "192.0.2.10:2");
    crowd_join(&c, 3, "192.0.2.10:3");
    crowd_join(&c, 4, "192.0.2.10:4");
    assert_int_equal(crowd_ended(&c), 1u << 1);
    crowd_join(&c, 5, "192.0.2.3:1");
    assert_int_equal(crowd_ended(&c), 1u << 1 | 1u << 0);
    crowd_done(&c);
}

static void a_cut_connection_is_told(void **state)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    struct tls_client_opts co = client_opts(NULL);
    struct bench b;
    (void)state;
    bench_start(&b, &so, &co, "localhost");
    turn(&b);
    net_stream_free(steal(&b.s.s)); /* no close_notify */
    turn(&b);
    assert_int_equal(b.c.why, ERR_EOF);
    assert_non_null(strstr(net_stream_why(b.c.s), "without saying so in TLS"));
    bench_done(&b);
}

static void pausing_keeps_what_openssl_holds(void **state)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    struct tls_client_opts co = client_opts(NULL);
    struct bench b;
    static uint8_t big[100000];
    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i >> 4);
    bench_start(&b, &so, &co, "localhost");
    turn(&b);
    net_stream_pause(b.c.s);
    assert_int_equal(net_stream_write(b.s.s, SLICE_ARRAY(big)), ERR_OK);
    turn(&b);
    assert_int_equal(b.c.got.n, 0);
    net_stream_resume(b.c.s);
    turn(&b);
    assert_int_equal(b.c.got.n, sizeof(big));
    assert_memory_equal(b.c.got.p, big, sizeof(big));
    net_stream_set_limits(b.s.s, &(struct net_limits){ .out_max = 50000, .idle_ms = -1, .stall_ms = -1 });
    assert_int_equal(net_stream_write(b.s.s, SLICE_ARRAY(big)), ERR_TOO_BIG);
    bench_done(&b);
}

static void contexts_refuse_what_does_not_fit(void **state)
{
    struct tls_context *c = NULL;
    struct crypto_error why = { 0 };
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_NONE);
    (void)state;
    so.key = device.key;
    assert_int_equal(tls_server_context_new(&so, &c, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "do not belong together"));
    so.key = NULL;
    assert_int_equal(tls_server_context_new(&so, &c, &why), ERR_INVALID);
    struct tls_client_opts co = client_opts(NULL);
    co.ca_file = "/nonexistent/ca.pem";
    assert_int_equal(tls_client_context_new(&co, &c, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/nonexistent/ca.pem"));
    co.ca_file = ca_file;
    co.sigalgs = "RSA+NOSUCH";
    assert_int_equal(tls_client_context_new(&co, &c, &why), ERR_INVALID);
    assert_null(c);
    tls_context_free(NULL);
}

/* A token that knows only PKCS#1 v1.5: TLS 1.2 without PSS (se050, pkcs11-consumers). */
static void sigalgs_keep_pss_away(void **state)
{
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_REQUIRE);
    struct tls_client_opts co = client_opts(&device);
    struct bench b;
    (void)state;
    co.sigalgs = "RSA+SHA256:RSA+SHA384:ECDSA+SHA256";
    co.no_tls13 = true;
    bench_start(&b, &so, &co, "localhost");
    turn(&b);
    assert_int_equal(b.s.opened, 1);
    assert_string_equal(tls_stream_version(b.c.s), "TLSv1.2");
    bench_done(&b);
}

struct tcp {
    struct bench b;
    struct net_listener *l;
};

static void accepted(void *ctx, struct net_stream *s)
{
    struct tcp *t = ctx;
    struct net_stream *tls = NULL;
    assert_int_equal(tls_server_stream_new(t->b.sc, s, &tls), ERR_OK);
    rec_attach(&t->b.s, tls);
}

static void over_tcp(void **state)
{
    struct tcp t = { 0 };
    struct tls_server_opts so = server_opts(TLS_CLIENT_CERT_REQUIRE);
    struct tls_client_opts co = client_opts(&device);
    struct net_stream *c = NULL;
    (void)state;
    assert_int_equal(net_loop_new(&t.b.loop), ERR_OK);
    assert_int_equal(tls_server_context_new(&so, &t.b.sc, NULL), ERR_OK);
    assert_int_equal(tls_client_context_new(&co, &t.b.cc, NULL), ERR_OK);
    assert_int_equal(net_listen_tcp(t.b.loop, "127.0.0.1:0", NULL, accepted, &t, &t.l), ERR_OK);
    assert_int_equal(tls_connect(t.b.loop, t.b.cc, "127.0.0.1", net_listener_port(t.l), 5000, &c), ERR_OK);
    rec_attach(&t.b.c, c);
    assert_int_equal(net_stream_write(c, SLICE_LIT("over tcp")), ERR_OK);
    assert_true(TURN_UNTIL(t.b.loop, t.b.s.got.n == 8, 5000));
    net_stream_finish(steal(&t.b.c.s));
    assert_true(TURN_UNTIL(t.b.loop, t.b.s.closed, 5000));
    assert_int_equal(t.b.s.why, ERR_EOF);
    uint16_t port = net_listener_port(t.l);
    net_listener_free(t.l);
    struct recorder late;
    assert_int_equal(tls_connect(t.b.loop, t.b.cc, "127.0.0.1", port, 5000, &c), ERR_OK);
    rec_attach(&late, c);
    assert_true(TURN_UNTIL(t.b.loop, late.closed, 5000));
    assert_int_equal(late.why, ERR_UNAVAILABLE);
    assert_non_null(strstr(net_stream_why(c), "Connection refused"));
    rec_done(&late);
    bench_done(&t.b);
}

static err_t accept_all(void *ctx, X509 *leaf)
{
    (void)ctx;
    (void)leaf;
    return ERR_OK;
}

/* No session would meet `verify` a second time, so the two are not to be had together. */
static void resumption_is_refused_beside_verify(void **state)
{
    struct tls_server_opts o = server_opts(TLS_CLIENT_CERT_REQUIRE);
    struct tls_context *c = NULL;
    struct crypto_error why = { 0 };
    (void)state;
    o.resume = "port";
    assert_int_equal(tls_server_context_new(&o, &c, &why), ERR_OK);
    tls_context_free(c);
    o.verify = accept_all;
    assert_int_equal(tls_server_context_new(&o, &c, &why), ERR_INVALID);
    o.verify = NULL;
    o.resume = "a name of more than thirty-two characters";
    assert_int_equal(tls_server_context_new(&o, &c, &why), ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumption_is_refused_beside_verify),
        cmocka_unit_test(what_is_written_in_one_turn_is_one_record),
        cmocka_unit_test(client_certificates_of_every_kind),
        cmocka_unit_test(both_ways_with_a_client_certificate),
        cmocka_unit_test(any_leaf_is_accepted_without_a_chain),
        cmocka_unit_test(without_a_client_certificate),
        cmocka_unit_test(the_verifier_decides_in_the_handshake),
        cmocka_unit_test(the_client_refuses_and_both_say_why),
        cmocka_unit_test(an_address_is_a_name_too),
        cmocka_unit_test(alpn_chooses_protocol_and_client_certificate),
        cmocka_unit_test(a_peer_that_speaks_something_else),
        cmocka_unit_test(a_silent_client_runs_into_the_handshake_deadline),
        cmocka_unit_test(silent_clients_make_room_the_oldest_first),
        cmocka_unit_test(one_address_ends_its_own),
        cmocka_unit_test(a_cut_connection_is_told),
        cmocka_unit_test(pausing_keeps_what_openssl_holds),
        cmocka_unit_test(contexts_refuse_what_does_not_fit),
        cmocka_unit_test(sigalgs_keep_pss_away),
        cmocka_unit_test(over_tcp),
    };
    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
