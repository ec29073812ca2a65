/* tests/bench/gateway_load.c - an MQTT 3.1.1 load generator over TLS 1.2 with a client certificate, written
 * apart from src/mqtt and src/net so that it can drive any server. One thread, one epoll.
 *
 *     gateway_load PORT CA CERT KEY handshake COUNT
 *     gateway_load PORT CA CERT KEY idle COUNT
 *     gateway_load PORT CA CERT KEY messages PUBLISHERS SUBSCRIBERS QOS COUNT [RATE]
 *
 * handshake: COUNT connections one after the other, each a full handshake, CONNECT, CONNACK, DISCONNECT.
 * idle: COUNT connections at once; prints "ready" and holds them until its standard input ends.
 * messages: one subscriber a publisher (PUBLISHERS = SUBSCRIBERS), all subscribers of one publisher (1), or
 * one subscriber of all (SUBSCRIBERS = 1). Prints "ready", waits for a line, publishes COUNT messages of 128
 * bytes in all (with RATE: so many a second, else as fast as they are delivered) and prints "delivered N
 * seconds S p50 US p99 US". Publishers have at most WINDOW messages under way that not every subscriber got.
 * Exit status 1 with the reason when anything fails.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 128, BUFFER = 65536, WINDOW = 8, SAMPLES_MAX = 1 << 20 };

struct conn {
    SSL *ssl;
    int fd;
    int number;
    bool connected; /* CONNACK came, and SUBACK where it subscribes */
    bool subscribes, wants_write;
    uint16_t next_id;
    uint64_t sent, delivered, acknowledged; /* of a publisher; delivered: to all subscribers together */
    uint8_t *in, *out;
    size_t n_in, n_out;
};

static SSL_CTX *ctx;
static int epfd, port;
static struct conn *conns;
static int n_conns, publishers, subscribers, qos;
static uint64_t total_delivered;
static uint32_t *samples; /* microseconds */
static size_t n_samples;

static _Noreturn void die(const char *what)
{
    unsigned long e = ERR_get_error();

    fprintf(stderr, "gateway_load: %s: %s\n", what, e ? ERR_reason_error_string(e) : strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- packets ---- */

static size_t put_text(uint8_t *p, const char *s)
{
    size_t n = strlen(s);

    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
    memcpy(p + 2, s, n);
    return n + 2;
}

/* A packet whose body is shorter than 16384 bytes. */
static void put_packet(struct conn *c, uint8_t first, const uint8_t *body, size_t n)
{
    if (c->n_out + n + 3 > BUFFER)
        die("the server reads too slowly");
    c->out[c->n_out++] = first;
    if (n >= 128)
        c->out[c->n_out++] = (uint8_t)(n % 128 | 0x80);
    c->out[c->n_out++] = (uint8_t)(n >= 128 ? n / 128 : n);
    memcpy(c->out + c->n_out, body, n);
    c->n_out += n;
}

static void put_connect(struct conn *c)
{
    uint8_t body[64] = { 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0x04, 0xb0 }; /* clean session, 1200 s */
    char id[32];

    snprintf(id, sizeof(id), "load-%d-%d", (int)getpid(), c->number);
    put_packet(c, 0x10, body, 10 + put_text(body + 10, id));
}

/* The topic of a publisher: all share one when they have one subscriber. */
static void topic_of(int publisher, char *text, size_t size)
{
    if (subscribers == 1 && publishers > 1)
        snprintf(text, size, "load/all");
    else
        snprintf(text, size, "load/%d", publisher);
}

static void put_subscribe(struct conn *c)
{
    uint8_t body[64] = { 0, 1 };
    char topic[32];
    size_t n;

    topic_of(publishers == subscribers ? c->number - publishers : 0, topic, sizeof(topic));
    n = 2 + put_text(body + 2, topic);
    body[n++] = (uint8_t)qos;
    put_packet(c, 0x82, body, n);
}

static void put_publish(struct conn *c)
{
    uint8_t body[PAYLOAD + 64];
    uint64_t now = now_us();
    char topic[32];
    size_t n;

    topic_of(c->number, topic, sizeof(topic));
    n = put_text(body, topic);
    if (qos) {
        c->next_id = c->next_id == UINT16_MAX ? 1 : (uint16_t)(c->next_id + 1);
        body[n++] = (uint8_t)(c->next_id >> 8);
        body[n++] = (uint8_t)c->next_id;
    }
    memset(body + n, 'x', PAYLOAD);
    memcpy(body + n, &c->number, sizeof(c->number));
    memcpy(body + n + 8, &now, sizeof(now));
    put_packet(c, (uint8_t)(0x30 | qos << 1), body, n + PAYLOAD);
    c->sent++;
}

/* ---- connections ---- */

static void watch(struct conn *c)
{
    struct epoll_event ev = { .events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c };

    if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev) != 0)
        die("epoll_ctl");
}

static void flush(struct conn *c)
{
    bool wants = false;

    while (c->n_out && !wants) {
        int n = SSL_write(c->ssl, c->out, (int)c->n_out);

        if (n <= 0 && SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE &&
            SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
            die("write");
        wants = n <= 0;
        if (n > 0) {
            c->n_out -= (size_t)n;
            memmove(c->out, c->out + n, c->n_out);
        }
    }
    if (wants != c->wants_write) {
        c->wants_write = wants;
        watch(c);
    }
}

/* Connected and shaken hands, blocking: what is measured is the server. */
static void open_conn(struct conn *c, int number)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct conn){ .number = number,
                        .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                        .ssl = SSL_new(ctx) };
    c->out = malloc(BUFFER);
    c->in = malloc(BUFFER);
    if (c->fd < 0 || !c->ssl || !c->out || !c->in || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_tlsext_host_name(c->ssl, "localhost") != 1 ||
        SSL_connect(c->ssl) != 1)
        die("handshake");
    put_connect(c);
    if (SSL_write(c->ssl, c->out, (int)c->n_out) <= 0)
        die("CONNECT");
    c->n_out = 0;
    uint8_t ack[4];
    for (int got = 0; got < 4;) {
        int n = SSL_read(c->ssl, ack + got, 4 - got);
        if (n <= 0)
            die("CONNACK");
        got += n;
    }
    if (ack[0] != 0x20 || ack[3] != 0)
        die("the server refused CONNECT");
}

static void close_conn(struct conn *c)
{
    static const uint8_t disconnect[] = { 0xe0, 0 };

    (void)SSL_write(c->ssl, disconnect, sizeof(disconnect));
    SSL_free(c->ssl);
    close(c->fd);
    free(c->in);
    free(c->out);
}

static void join_loop(struct conn *c)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        die("epoll");
}

/* ---- what comes ---- */

static void on_publish(struct conn *c, uint8_t first, const uint8_t *body, size_t n)
{
    size_t at = 2 + ((size_t)body[0] << 8 | body[1]);
    uint64_t sent_us;
    int from;

    if (first & 6) {
        put_packet(c, 0x40, body + at, 2);
        at += 2;
    }
    if (n != at + PAYLOAD)
        die("a message that was not sent");
    memcpy(&from, body + at, sizeof(from));
    memcpy(&sent_us, body + at + 8, sizeof(sent_us));
    if (from < 0 || from >= publishers)
        die("a message of nobody");
    conns[from].delivered++;
    total_delivered++;
    if (n_samples < SAMPLES_MAX)
        samples[n_samples++] = (uint32_t)(now_us() - sent_us);
}

static void on_packet(struct conn *c, uint8_t first, const uint8_t *body, size_t n)
{
    switch (first >> 4) {
    case 3:
        on_publish(c, first, body, n);
        break;
    case 4:
        c->acknowledged++;
        break;
    case 9:
        if (body[2] == 0x80)
            die("the server refused SUBSCRIBE");
        c->connected = true;
        break;
    default:
        die("a packet that was not expected");
    }
}

static void take_packets(struct conn *c)
{
    size_t at = 0;

    for (;;) {
        size_t rest = c->n_in - at, head = 2, n;

        if (rest < 2)
            break;
        n = c->in[at + 1] & 0x7f;
        if (c->in[at + 1] & 0x80) {
            if (rest < 3)
                break;
            n |= (size_t)c->in[at + 2] << 7;
            head = 3;
        }
        if (rest < head + n)
            break;
        on_packet(c, c->in[at], c->in + at + head, n);
        at += head + n;
    }
    memmove(c->in, c->in + at, c->n_in - at);
    c->n_in -= at;
}

static void on_ready(struct conn *c, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        int n;

        while ((n = SSL_read(c->ssl, c->in + c->n_in, (int)(BUFFER - c->n_in))) > 0) {
            c->n_in += (size_t)n;
            take_packets(c);
        }
        if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ &&
            SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE)
            die("the server closed the connection");
    }
    flush(c);
}

static void turn(int wait_ms)
{
    struct epoll_event ev[256];
    int n = epoll_wait(epfd, ev, 256, wait_ms);

    for (int i = 0; i < n; i++)
        on_ready(ev[i].data.ptr, ev[i].events);
}

/* ---- the three loads ---- */

static void handshakes(int count)
{
    struct conn c;

    for (int i = 0; i < count; i++) {
        open_conn(&c, i);
        close_conn(&c);
    }
}

static void wait_for_line(void)
{
    char c;

    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
        ;
}

static void open_all(int count)
{
    n_conns = count;
    conns = calloc((size_t)count, sizeof(*conns));
    if (!conns)
        die("memory");
    for (int i = 0; i < count; i++)
        open_conn(&conns[i], i);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* May this publisher send another one now? */
static bool may_send(const struct conn *c, uint64_t fan)
{
    return c->sent - c->delivered / fan < WINDOW && (!qos || c->sent - c->acknowledged < WINDOW);
}

static void publish_all(uint64_t count, uint64_t rate)
{
    uint64_t fan = publishers == 1 ? (uint64_t)subscribers : 1, sent = 0, start = now_us();

    while (total_delivered < count * fan) {
        uint64_t due = rate ? (now_us() - start) * rate / 1000000 : count;

        for (int i = 0; i < publishers; i++) {
            struct conn *c = &conns[rate ? sent % (uint64_t)publishers : (uint64_t)i];

            for (; sent < count && sent < due &&
                   (rate ? c == &conns[sent % (uint64_t)publishers] : may_send(c, fan));
                 sent++)
                put_publish(c);
            flush(c);
        }
        turn(rate ? 1 : 100);
    }
}

static void messages(uint64_t count, uint64_t rate)
{
    open_all(publishers + subscribers);
    for (int i = 0; i < n_conns; i++) {
        join_loop(&conns[i]);
        conns[i].connected = i < publishers;
        if (i >= publishers)
            put_subscribe(&conns[i]);
        flush(&conns[i]);
    }
    for (int i = 0; i < n_conns; i++) {
        while (!conns[i].connected)
            turn(100);
    }
    wait_for_line();
    uint64_t start = now_us();
    publish_all(count, rate);
    double seconds = (double)(now_us() - start) / 1e6;
    qsort(samples, n_samples, sizeof(*samples), by_size);
    printf("delivered %llu seconds %.3f p50 %u p99 %u\n", (unsigned long long)total_delivered, seconds,
           samples[n_samples / 2], samples[n_samples * 99 / 100]);
}

static void make_context(const char *ca, const char *cert, const char *key)
{
    ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1 ||
        SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(ctx, "P-256") != 1)
        die("TLS");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
}

static void raise_descriptor_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

int main(int argc, char **argv)
{
    if (argc < 7)
        return fprintf(stderr, "usage: see the head of gateway_load.c\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    port = atoi(argv[1]);
    make_context(argv[2], argv[3], argv[4]);
    samples = calloc(SAMPLES_MAX, sizeof(*samples));
    if ((epfd = epoll_create1(EPOLL_CLOEXEC)) < 0 || !samples)
        die("start");
    if (strcmp(argv[5], "handshake") == 0) {
        handshakes(atoi(argv[6]));
    } else if (strcmp(argv[5], "idle") == 0) {
        open_all(atoi(argv[6]));
        wait_for_line();
    } else if (strcmp(argv[5], "messages") == 0 && argc >= 10) {
        publishers = atoi(argv[6]);
        subscribers = atoi(argv[7]);
        qos = atoi(argv[8]);
        messages(strtoull(argv[9], NULL, 10), argc > 10 ? strtoull(argv[10], NULL, 10) : 0);
    } else {
        return fprintf(stderr, "usage: see the head of gateway_load.c\n"), 2;
    }
    return 0;
}
