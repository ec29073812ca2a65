/* tests/bench/gateway_clients.c - many MQTT clients over mutual TLS in one process, driven by lines on
 * standard input.
 *
 *     gateway_clients PORT CA CERT KEY
 *
 *     connect N       N clients: TLS, CONNECT (c0, c1, ...), SUBSCRIBE idle/cN with QoS 1; answers "connected
 * N" or "failed WHY" gone            waits until the server has ended all of them; answers "gone N" close
 * ends all; answers "closed" load P Q SIZE S publishers p0.. and as many subscribers s0.., pairs, with QoS Q
 * and SIZE bytes for S seconds, one message under way per pair (QoS 1) or 16 (QoS 0); answers "load MESSAGES"
 *
 * Sockets are non-blocking behind one epoll. TLS is not verified in the generator beyond the CA. Nothing of
 * src/ is used.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PENDING_MAX 64 /* handshakes at once: the server caps them, and so does a queue of 128 */
#define IN_MAX 70000

enum state { NEW, SHAKING, GREETING, SUBSCRIBING, UP, GONE };
enum role { IDLE, PUBLISHER, SUBSCRIBER };

struct client {
    int fd;
    SSL *ssl;
    enum state state;
    enum role role;
    unsigned number;
    uint32_t watched;
    uint8_t *in; /* only while a packet is incomplete */
    size_t n_in;
};

static struct client *clients;
static unsigned n_clients, n_up, n_gone, n_pending, n_started;
static SSL_CTX *tls;
static int poll_fd;
static struct sockaddr_in server;
static uint64_t delivered;
static unsigned qos;
static size_t size;
static bool running;

static void die(const char *what)
{
    printf("failed %s: %s\n", what, strerror(errno));
    (void)fflush(stdout);
    exit(1);
}

/* ---- packets ---- */

static size_t put_text(uint8_t *p, const char *s)
{
    size_t n = strlen(s);

    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        p[2 + i] = (uint8_t)s[i];
    return n + 2;
}

static size_t put_head(uint8_t *p, uint8_t first, size_t n)
{
    size_t at = 0;

    p[at++] = first;
    do {
        p[at++] = (uint8_t)((n & 127) | (n > 127 ? 128 : 0));
        n >>= 7;
    } while (n);
    return at;
}

static void name_of(const struct client *c, char *out, size_t n)
{
    (void)snprintf(out, n, "%c%u", c->role == IDLE ? 'c' : c->role == PUBLISHER ? 'p' : 's', c->number);
}

static void topic_of(const struct client *c, char *out, size_t n)
{
    (void)snprintf(out, n, c->role == IDLE ? "idle/c%u" : "load/%u", c->number);
}

static void end(struct client *c);

/* A client has little to say: what the socket does not take at once is a failure of the test's set-up. */
static void say(struct client *c, const uint8_t *p, size_t n)
{
    int r = SSL_write(c->ssl, p, (int)n);

    while (r <= 0 && SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_WRITE) {
        (void)usleep(100);
        r = SSL_write(c->ssl, p, (int)n);
    }
    if (r <= 0)
        end(c);
}

static void say_connect(struct client *c)
{
    uint8_t body[64] = "\0\4MQTT\4\2\3\350", p[80]; /* clean session, keep-alive 1000 s */
    char name[16];
    size_t n, at;

    name_of(c, name, sizeof(name));
    n = 10 + put_text(body + 10, name);
    at = put_head(p, 0x10, n);
    memcpy(p + at, body, n);
    c->state = GREETING;
    say(c, p, at + n);
}

static void say_subscribe(struct client *c)
{
    uint8_t body[64] = { 0, 1 }, p[80];
    char topic[24];
    size_t n, at;

    topic_of(c, topic, sizeof(topic));
    n = 2 + put_text(body + 2, topic);
    body[n++] = c->role == SUBSCRIBER ? (uint8_t)qos : 1;
    at = put_head(p, 0x82, n);
    memcpy(p + at, body, n);
    c->state = SUBSCRIBING;
    say(c, p, at + n);
}

static void say_publish(struct client *c)
{
    static uint8_t p[IN_MAX];
    uint8_t body[64];
    char topic[24];
    size_t n, at;

    topic_of(c, topic, sizeof(topic));
    n = put_text(body, topic);
    if (qos) {
        body[n++] = 0;
        body[n++] = 1;
    }
    at = put_head(p, (uint8_t)(0x30 | qos << 1), n + size);
    memcpy(p + at, body, n);
    memset(p + at + n, 'x', size);
    say(c, p, at + n + size);
}

static void say_puback(struct client *c, const uint8_t *id)
{
    uint8_t p[4] = { 0x40, 2, id[0], id[1] };

    say(c, p, sizeof(p));
}

/* ---- a client's life ---- */

static void watch(struct client *c, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = c };

    if (c->watched == events)
        return;
    if (epoll_ctl(poll_fd, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e))
        die("epoll_ctl");
    c->watched = events;
}

static void end(struct client *c)
{
    if (c->state == GONE)
        return;
    if (c->state < UP && !running && n_pending)
        n_pending--;
    c->state = GONE;
    n_gone++;
    (void)close(c->fd);
    SSL_free(c->ssl);
    free(c->in);
    c->in = NULL;
    c->n_in = 0;
}

static void start(struct client *c, enum role role, unsigned number)
{
    int one = 1;

    *c = (struct client){ .state = SHAKING, .role = role, .number = number };
    if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        die("socket");
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (struct sockaddr *)&server, sizeof(server)) && errno != EINPROGRESS)
        die("connect");
    if (!(c->ssl = SSL_new(tls)) || !SSL_set_fd(c->ssl, c->fd) ||
        !SSL_set_tlsext_host_name(c->ssl, "localhost"))
        die("SSL_new");
    SSL_set_connect_state(c->ssl);
    n_pending++;
    watch(c, EPOLLIN | EPOLLOUT);
}

static void is_up(struct client *c)
{
    c->state = UP;
    n_up++;
    n_pending--;
}

/* ---- what comes in ---- */

static void on_publish(struct client *c, const uint8_t *body, size_t n)
{
    size_t topic = n >= 2 ? (size_t)(body[0] << 8 | body[1]) : 0;

    delivered++;
    if (qos && topic + 4 <= n)
        say_puback(c, body + 2 + topic);
}

static void on_packet(struct client *c, uint8_t first, const uint8_t *body, size_t n)
{
    switch (first >> 4) {
    case 2: /* CONNACK */
        if (n < 2 || body[1])
            die("CONNACK");
        if (c->role == PUBLISHER)
            is_up(c);
        else
            say_subscribe(c);
        break;
    case 9: /* SUBACK */
        if (n < 3 || body[2] > 2)
            die("SUBACK");
        is_up(c);
        break;
    case 3: /* PUBLISH */
        on_publish(c, body, n);
        if (qos == 0 && running && c->role == SUBSCRIBER)
            say_publish(&clients[c->number]); /* one arrived, the next may go */
        break;
    case 4: /* PUBACK */
        if (running)
            say_publish(c);
        break;
    default:
        break;
    }
}

/* Returns the size of the first packet, 0 when it is not whole. */
static size_t take_packet(struct client *c, const uint8_t *p, size_t n)
{
    size_t len = 0, at = 1;
    unsigned shift = 0;

    do {
        if (at >= n || shift > 21)
            return 0;
        len |= (size_t)(p[at] & 127) << shift;
        shift += 7;
    } while (p[at++] & 128);
    if (n - at < len)
        return 0;
    on_packet(c, p[0], p + at, len);
    return at + len;
}

static void take_bytes(struct client *c, const uint8_t *p, size_t n)
{
    static uint8_t joined[IN_MAX * 2];
    size_t used;

    if (c->n_in) {
        memcpy(joined, c->in, c->n_in);
        memcpy(joined + c->n_in, p, n);
        p = joined;
        n += c->n_in;
    }
    while (n && c->state != GONE && (used = take_packet(c, p, n))) {
        p += used;
        n -= used;
    }
    if (c->state == GONE)
        return;
    uint8_t *rest = n ? malloc(n) : NULL;
    if (n && (!rest || n > IN_MAX))
        die("input");
    if (n)
        memcpy(rest, p, n);
    free(c->in);
    c->in = rest;
    c->n_in = n;
}

static void read_some(struct client *c)
{
    static uint8_t buf[16384];
    int r = 1;

    while (c->state != GONE && (r = SSL_read(c->ssl, buf, sizeof(buf))) > 0) {
        static uint8_t copy[16384];
        memcpy(copy, buf, (size_t)r);
        take_bytes(c, copy, (size_t)r);
    }
    if (c->state != GONE && SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ)
        end(c);
}

static void shake(struct client *c)
{
    int r = SSL_do_handshake(c->ssl), why = r == 1 ? 0 : SSL_get_error(c->ssl, r);

    if (r == 1) {
        watch(c, EPOLLIN);
        say_connect(c);
        if (c->state != GONE)
            read_some(c);
    } else if (why == SSL_ERROR_WANT_READ) {
        watch(c, EPOLLIN);
    } else if (why != SSL_ERROR_WANT_WRITE) {
        die("handshake");
    }
}

static void turn(int ms)
{
    struct epoll_event e[256];
    int n = epoll_wait(poll_fd, e, 256, ms);

    for (int i = 0; i < n; i++) {
        struct client *c = e[i].data.ptr;
        if (c->state == SHAKING)
            shake(c);
        else if (c->state != GONE)
            read_some(c);
    }
}

/* ---- commands ---- */

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void forget(void)
{
    for (unsigned i = 0; i < n_clients; i++)
        if (clients[i].state != GONE)
            end(&clients[i]);
    free(clients);
    clients = NULL;
    n_clients = n_up = n_gone = n_pending = n_started = 0;
}

static void bring_up(unsigned n, unsigned publishers)
{
    double deadline = now() + 300;

    forget();
    if (!(clients = calloc(n, sizeof(*clients))))
        die("memory");
    n_clients = n;
    while (n_up + n_gone < n) {
        while (n_started < n && n_pending < PENDING_MAX) {
            unsigned i = n_started++;
            enum role role = !publishers ? IDLE : i < publishers ? PUBLISHER : SUBSCRIBER;
            start(&clients[i], role, role == SUBSCRIBER ? i - publishers : i);
        }
        turn(100);
        if (now() > deadline)
            die("deadline");
    }
}

static void wait_gone(void)
{
    double deadline = now() + 120;

    while (n_gone < n_clients && now() < deadline)
        turn(100);
    printf("gone %u\n", n_gone);
}

static void run(double seconds)
{
    unsigned window = qos ? 1 : 16;

    delivered = 0;
    running = true;
    for (unsigned i = 0; i < n_clients / 2; i++)
        for (unsigned k = 0; k < window; k++)
            say_publish(&clients[i]);
    for (double stop = now() + seconds; now() < stop;)
        turn(100);
    running = false;
    for (double stop = now() + 0.3; now() < stop;) /* what is under way */
        turn(10);
    printf("run %llu\n", (unsigned long long)delivered);
}

static void command(const char *line)
{
    unsigned n;
    double seconds;

    if (sscanf(line, "connect %u", &n) == 1) {
        bring_up(n, 0);
        printf(n_gone ? "failed %u were refused\n" : "connected %u\n", n_gone ? n_gone : n_up);
    } else if (strncmp(line, "gone", 4) == 0) {
        wait_gone();
    } else if (strncmp(line, "close", 5) == 0) {
        forget();
        printf("closed\n");
    } else if (sscanf(line, "pairs %u %u %zu", &n, &qos, &size) == 3 && size < IN_MAX - 64) {
        bring_up(2 * n, n);
        printf("pairs %u\n", n_up / 2);
    } else if (sscanf(line, "run %lf", &seconds) == 1) {
        run(seconds);
    } else {
        printf("failed no such command\n");
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    struct rlimit r;
    char line[128];

    if (argc != 5)
        return 2;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
    server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])) };
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    tls = SSL_CTX_new(TLS_client_method());
    if (poll_fd < 0 || !tls || SSL_CTX_load_verify_locations(tls, argv[2], NULL) != 1 ||
        SSL_CTX_use_certificate_file(tls, argv[3], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, argv[4], SSL_FILETYPE_PEM) != 1)
        die("set-up");
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    while (fgets(line, sizeof(line), stdin))
        command(line);
    forget();
    return 0;
}
