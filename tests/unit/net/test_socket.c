/* tests/unit/net/test_socket.c - listeners and outgoing connections on loopback and Unix sockets. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "recorder.h"

#define ACCEPT_MAX 8

struct server {
    struct net_loop *loop;
    struct net_listener *l;
    struct recorder conn[ACCEPT_MAX];
    size_t n;
};

static void accepted(void *ctx, struct net_stream *s)
{
    struct server *srv = ctx;
    assert_true(srv->n < ACCEPT_MAX);
    rec_attach(&srv->conn[srv->n++], s);
}

static void server_start(struct server *srv, const struct net_listen_opts *opts)
{
    *srv = (struct server){ 0 };
    assert_int_equal(net_loop_new(&srv->loop), ERR_OK);
    assert_int_equal(net_listen_tcp(srv->loop, "127.0.0.1:0", opts, accepted, srv, &srv->l), ERR_OK);
    assert_true(net_listener_port(srv->l) > 0);
    assert_true(net_listener_is_loopback(srv->l));
}

static void server_done(struct server *srv)
{
    net_listener_free(srv->l);
    for (size_t i = 0; i < srv->n; i++)
        rec_done(&srv->conn[i]);
    net_loop_free(srv->loop);
}

static void dial(struct server *srv, const char *host, struct recorder *r)
{
    struct net_stream *s = NULL;
    assert_int_equal(net_connect_tcp(srv->loop, host, net_listener_port(srv->l), 5000, &s), ERR_OK);
    rec_attach(r, s);
}

/* RFC 6761 6.3; no resolver knows this name. */
static void localhost_names_need_no_resolver(void **state)
{
    struct server srv;
    struct recorder c;
    (void)state;
    server_start(&srv, NULL);
    dial(&srv, "core.localhost", &c);
    assert_true(TURN_UNTIL(srv.loop, c.opened && srv.n, 5000));
    rec_done(&c);
    server_done(&srv);
}

static void talk_both_ways_by_name(void **state)
{
    struct server srv;
    struct recorder c;
    (void)state;
    server_start(&srv, NULL);
    dial(&srv, "localhost", &c);                                         /* ::1 is tried too and refuses */
    assert_int_equal(net_stream_write(c.s, SLICE_LIT("early")), ERR_OK); /* before it is open */
    assert_true(TURN_UNTIL(srv.loop, srv.n && srv.conn[0].got.n == 5, 5000));
    assert_int_equal(c.opened, 1);
    assert_int_equal(srv.conn[0].opened, 1);
    assert_string_equal(buf_str(&srv.conn[0].got), "early");
    assert_memory_equal(net_stream_peer(srv.conn[0].s), "127.0.0.1:", 10);
    assert_memory_equal(net_stream_peer(c.s), "localhost:", 10);
    assert_int_equal(net_stream_write(srv.conn[0].s, SLICE_LIT("answer")), ERR_OK);
    net_stream_finish(steal(&srv.conn[0].s));
    assert_true(TURN_UNTIL(srv.loop, c.closed, 5000));
    assert_string_equal(buf_str(&c.got), "answer");
    assert_int_equal(c.why, ERR_EOF);
    rec_done(&c);
    server_done(&srv);
}

/* Bytes that are there when a connection is accepted must not overtake on_open. */
static void open_is_told_before_the_first_bytes(void **state)
{
    struct server srv;
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    server_start(&srv, NULL);
    sa.sin_port = htons(net_listener_port(srv.l));
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(write(fd, "at once", 7), 7);
    assert_true(TURN_UNTIL(srv.loop, srv.n && srv.conn[0].got.n == 7, 5000));
    assert_int_equal(srv.conn[0].opened, 1);
    assert_false(srv.conn[0].read_before_open);
    server_done(&srv);
}

static void megabytes_to_a_slow_reader(void **state)
{
    struct server srv;
    struct recorder c;
    size_t size = 8u << 20;
    autofree uint8_t *big = mem_calloc(1, size);
    (void)state;
    for (size_t i = 0; i < size; i++)
        big[i] = (uint8_t)(i * 31 >> 3);
    server_start(&srv, NULL);
    dial(&srv, "127.0.0.1", &c);
    assert_true(TURN_UNTIL(srv.loop, srv.n, 5000));
    struct recorder *w = &srv.conn[0];
    net_stream_set_limits(w->s, &(struct net_limits){ .out_max = size, .idle_ms = -1, .stall_ms = -1 });
    net_stream_pause(c.s);
    assert_int_equal(net_stream_write(w->s, slice_of(big, size)), ERR_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(net_loop_turn(srv.loop, 10), ERR_OK);
    assert_int_equal(c.got.n, 0);
    assert_true(net_stream_queued(w->s) > 0); /* the kernel does not take it all: the peer feels the pause */
    net_stream_resume(c.s);
    assert_true(TURN_UNTIL(srv.loop, c.got.n == size, 10000));
    assert_memory_equal(c.got.p, big, size);
    assert_int_equal(w->drained, 1);
    rec_done(&c);
    server_done(&srv);
}

/* RFC 9112 §9.6: an answer given before all input was read must not be destroyed by a reset. */
static void finish_reads_on_so_that_the_answer_arrives(void **state)
{
    struct server srv;
    struct recorder c;
    static uint8_t much[400000];
    (void)state;
    server_start(&srv, NULL);
    dial(&srv, "127.0.0.1", &c);
    assert_int_equal(net_stream_write(c.s, SLICE_ARRAY(much)), ERR_OK);
    assert_true(TURN_UNTIL(srv.loop, srv.n && srv.conn[0].got.n, 5000));
    assert_int_equal(net_stream_write(srv.conn[0].s, SLICE_LIT("too much")), ERR_OK);
    net_stream_finish(steal(&srv.conn[0].s));
    assert_true(TURN_UNTIL(srv.loop, c.closed, 5000));
    assert_string_equal(buf_str(&c.got), "too much");
    assert_int_equal(c.why, ERR_EOF);
    rec_done(&c);
    server_done(&srv);
}

static void refused_and_unknown_say_so(void **state)
{
    struct net_loop *loop = NULL;
    static const struct {
        const char *host, *text;
    } cases[] = {
        { "127.0.0.1", "Connection refused" },
        { "no-such-host.invalid", "cannot connect to no-such-host.invalid:1: " },
    };
    (void)state;
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_stream *s = NULL;
        struct recorder c;
        assert_int_equal(net_connect_tcp(loop, cases[i].host, 1, 20000, &s), ERR_OK);
        rec_attach(&c, s);
        assert_true(TURN_UNTIL(loop, c.closed, 25000));
        assert_int_equal(c.why, ERR_UNAVAILABLE);
        assert_int_equal(c.opened, 0);
        assert_non_null(strstr(net_stream_why(s), cases[i].text));
        rec_done(&c);
    }
    struct net_stream *s = NULL;
    assert_int_equal(net_connect_tcp(loop, "", 1, 1, &s), ERR_INVALID);
    assert_null(s);
    net_loop_free(loop);
}

/* A listening socket whose queue is full answers nothing: connect must run into its deadline. */
static void a_silent_peer_runs_into_the_connect_deadline(void **state)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct net_loop *loop = NULL;
    struct recorder c[4];
    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    for (int i = 0; i < 4; i++) {
        struct net_stream *s = NULL;
        assert_int_equal(net_connect_tcp(loop, "127.0.0.1", ntohs(sa.sin_port), 200, &s), ERR_OK);
        rec_attach(&c[i], s);
    }
    assert_true(TURN_UNTIL(loop, c[0].closed + c[1].closed + c[2].closed + c[3].closed > 0, 5000));
    for (int i = 0; i < 4; i++) {
        if (c[i].closed)
            assert_int_equal(c[i].why, ERR_TIMEOUT);
        rec_done(&c[i]);
    }
    net_loop_free(loop);
    close(fd);
}

static void freed_while_looking_up_the_name(void **state)
{
    struct net_loop *loop = NULL;
    struct net_stream *s = NULL;
    (void)state;
    assert_int_equal(net_loop_new(&loop), ERR_OK);
    assert_int_equal(net_connect_tcp(loop, "localhost", 1, 5000, &s), ERR_OK);
    net_stream_free(s);
    net_loop_free(loop);
}

static void no_more_than_max_open(void **state)
{
    struct server srv;
    struct recorder c[3];
    (void)state;
    server_start(&srv, &(struct net_listen_opts){ .max_open = 2 });
    for (int i = 0; i < 3; i++)
        dial(&srv, "127.0.0.1", &c[i]);
    assert_true(TURN_UNTIL(srv.loop, c[0].opened && c[1].opened && c[2].opened, 5000));
    for (int i = 0; i < 5; i++)
        assert_int_equal(net_loop_turn(srv.loop, 10), ERR_OK);
    assert_int_equal(srv.n, 2); /* the third waits in the kernel's queue */
    net_stream_free(steal(&srv.conn[0].s));
    assert_true(TURN_UNTIL(srv.loop, srv.n == 3, 5000));
    for (int i = 0; i < 3; i++)
        rec_done(&c[i]);
    server_done(&srv);
}

static void a_taken_port_is_busy(void **state)
{
    struct server srv;
    struct net_listener *second = NULL;
    char addr[32];
    (void)state;
    server_start(&srv, NULL);
    snprintf(addr, sizeof(addr), "127.0.0.1:%u", net_listener_port(srv.l));
    assert_int_equal(net_listen_tcp(srv.loop, addr, NULL, accepted, &srv, &second), ERR_BUSY);
    assert_int_equal(net_listen_tcp(srv.loop, "example.com:1", NULL, accepted, &srv, &second), ERR_INVALID);
    assert_int_equal(net_listen_tcp(srv.loop, "192.0.2.1:0", NULL, accepted, &srv, &second), ERR_INVALID);
    assert_null(second);
    server_done(&srv);
}

static void unix_sockets(void **state)
{
    char dir[] = "/tmp/sedge-net-XXXXXX", path[64];
    struct server srv = { 0 };
    struct net_listener *second = NULL;
    struct net_stream *s = NULL;
    struct recorder c;
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    assert_int_equal(net_loop_new(&srv.loop), ERR_OK);
    assert_int_equal(net_connect_unix(srv.loop, path, &s), ERR_NOT_FOUND);
    assert_int_equal(net_listen_unix(srv.loop, path, 0600, NULL, accepted, &srv, &srv.l), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(net_listen_unix(srv.loop, path, 0600, NULL, accepted, &srv, &second), ERR_BUSY);
    assert_int_equal(net_connect_unix(srv.loop, path, &s), ERR_OK);
    rec_attach(&c, s);
    assert_int_equal(net_stream_write(c.s, SLICE_LIT("hi")), ERR_OK);
    /* The first connection was the second listener asking whether somebody is there. */
    assert_true(TURN_UNTIL(srv.loop, srv.n == 2 && srv.conn[1].got.n == 2, 5000));
    rec_done(&c);
    server_done(&srv);
    assert_int_not_equal(access(path, F_OK), 0); /* gone with its listener */
    rmdir(dir);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    char dir[] = "/tmp/sedge-net-XXXXXX";
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    struct server srv = { 0 };
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    close(fd); /* the file stays: as after kill -9 */
    assert_int_equal(net_loop_new(&srv.loop), ERR_OK);
    assert_int_equal(net_listen_unix(srv.loop, sa.sun_path, 0600, NULL, accepted, &srv, &srv.l), ERR_OK);
    server_done(&srv);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(localhost_names_need_no_resolver),
        cmocka_unit_test(talk_both_ways_by_name),
        cmocka_unit_test(open_is_told_before_the_first_bytes),
        cmocka_unit_test(megabytes_to_a_slow_reader),
        cmocka_unit_test(finish_reads_on_so_that_the_answer_arrives),
        cmocka_unit_test(refused_and_unknown_say_so),
        cmocka_unit_test(a_silent_peer_runs_into_the_connect_deadline),
        cmocka_unit_test(freed_while_looking_up_the_name),
        cmocka_unit_test(no_more_than_max_open),
        cmocka_unit_test(a_taken_port_is_busy),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(a_stale_unix_socket_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
