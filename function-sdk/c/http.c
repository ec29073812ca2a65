#include "http.h"

#include "answer.h"
#include "settings.h"
#include "stop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEAD_MAX (128 * 1024) /* of a request: a client context travels in it */
#define RECEIVE_STEP 16384

/* What a thread keeps between its requests. */
struct connection {
    int fd; /* -1: none */
    pid_t pid;
};

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool key_made;

static void hang_up(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static void thread_ends(void *p)
{
    struct connection *c = p;
    hang_up(c);
    free(c);
}

static void make_key(void)
{
    key_made = pthread_key_create(&key, thread_ends) == 0;
}

/* The calling thread's; NULL when out of memory. One that was inherited by fork is the parent's. */
static struct connection *own_connection(void)
{
    struct connection *c;
    if (pthread_once(&key_once, make_key) != 0 || !key_made)
        return NULL;
    c = pthread_getspecific(key);
    if (!c) {
        c = mem_calloc(1, sizeof(*c));
        if (!c)
            return NULL;
        c->fd = -1;
        if (pthread_setspecific(key, c) != 0) {
            free(c);
            return NULL;
        }
    }
    if (c->pid != getpid()) {
        hang_up(c);
        c->pid = getpid();
    }
    return c;
}

static err_t call_core(struct connection *c)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)settings_get()->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1, problem = 0;
    socklen_t n = sizeof(problem);
    err_t e;

    if (fd < 0)
        return ERR_IO;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        if (errno != EINPROGRESS)
            return ERR_UNAVAILABLE;
        e = stop_wait(fd, POLLOUT, -1);
        if (e)
            return e;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &n) != 0 || problem)
            return ERR_UNAVAILABLE;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* slower without, not wrong */
    c->fd = steal_fd(&fd);
    return ERR_OK;
}

static err_t add_header(struct buf *head, const char *name, const char *value)
{
    return value ? buf_printf(head, "%s: %s\r\n", name, value) : ERR_OK;
}

static err_t build_head(const struct http_ask *ask, struct buf *head)
{
    err_t e = buf_printf(head, "%s /2016-11-01/functions/%s%s HTTP/1.1\r\nHost: localhost:%d\r\n",
                         ask->method, ask->function_arn, ask->what, settings_get()->port);
    if (!e)
        e = add_header(head, "Authorization", settings_get()->token);
    if (!e)
        e = add_header(head, "X-Amz-InvocationId", ask->invocation_id);
    if (!e)
        e = add_header(head, "X-Amz-Invocation-Type", ask->invocation_type);
    if (!e)
        e = add_header(head, "X-Amz-Client-Context", ask->client_context);
    if (!e)
        e = add_header(head, "X-Amz-Function-Error", ask->function_error);
    if (!e && ask->has_body)
        e = buf_printf(head, "Content-Length: %zu\r\n", ask->body.n);
    return e ? e : buf_add_str(head, "\r\n");
}

static err_t send_all(int fd, struct slice head, struct slice body)
{
    while (head.n || body.n) {
        struct iovec parts[] = { { (void *)(uintptr_t)head.p, head.n },
                                 { (void *)(uintptr_t)body.p, body.n } };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            err_t e = stop_wait(fd, POLLOUT, -1);
            if (e)
                return e;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        size_t of_head = (size_t)n < head.n ? (size_t)n : head.n;
        head = slice_of(head.p + of_head, head.n - of_head);
        body = slice_of(body.p + ((size_t)n - of_head), body.n - ((size_t)n - of_head));
    }
    return ERR_OK;
}

/* Some more bytes at the end of `in`. ERR_EOF: the core hung up. */
static err_t receive(int fd, struct buf *in)
{
    for (;;) {
        err_t e = buf_reserve(in, RECEIVE_STEP);
        if (!e)
            e = stop_wait(fd, POLLIN, -1);
        if (e)
            return e;
        ssize_t n = recv(fd, in->p + in->n, RECEIVE_STEP, 0);
        if (n > 0) {
            in->n += (size_t)n;
            return ERR_OK;
        }
        if (n == 0)
            return ERR_EOF;
        if (errno != EAGAIN && errno != EINTR)
            return ERR_IO;
    }
}

static err_t receive_all(int fd, struct buf *in, struct answer_head *head)
{
    err_t e;
    while ((e = answer_head_parse(buf_slice(in), head)) == ERR_MORE)
        if ((e = receive(fd, in)))
            return e;
    if (e)
        return e;
    while (in->n < head->head_size + head->body_size)
        if ((e = receive(fd, in)))
            return e;
    return answer_head_parse(buf_slice(in), head); /* the bytes may have moved */
}

static err_t keep_answer(struct buf *in, const struct answer_head *head, struct http_answer *ret)
{
    err_t e = buf_add(&ret->invocation_id, head->invocation_id);
    if (!e)
        e = buf_add(&ret->function_error, head->function_error);
    if (!e)
        e = buf_add(&ret->client_context, head->client_context);
    if (e)
        return e;
    ret->status = head->status;
    size_t body_size = head->body_size;
    buf_drop(in, head->head_size);
    buf_cut(in, body_size);
    ret->body = *in;
    *in = BUF_INIT(0);
    return ERR_OK;
}

static err_t exchange_once(struct connection *c, const struct http_ask *ask, struct slice head_sent,
                           struct buf *in, struct http_answer *ret)
{
    struct answer_head head;
    err_t e = send_all(c->fd, head_sent, ask->body);
    if (!e)
        e = receive_all(c->fd, in, &head);
    if (e) {
        hang_up(c);
        return e;
    }
    if (!head.keep || in->n > head.head_size + head.body_size)
        hang_up(c);
    return keep_answer(in, &head, ret);
}

void http_answer_init(struct http_answer *a)
{
    *a = (struct http_answer){ .invocation_id = BUF_INIT(128),
                               .function_error = BUF_INIT(64),
                               .client_context = BUF_INIT(ANSWER_HEAD_MAX) };
}

void http_answer_done(struct http_answer *a)
{
    buf_done(&a->invocation_id);
    buf_done(&a->function_error);
    buf_done(&a->client_context);
    buf_done(&a->body);
}

err_t http_exchange(const struct http_ask *ask, struct http_answer *ret)
{
    struct connection *c = own_connection();
    autobuf head = BUF_SECRET(HEAD_MAX); /* the token is in it */
    autobuf in = BUF_INIT(ANSWER_HEAD_MAX + ANSWER_BODY_MAX + RECEIVE_STEP);
    err_t e = c ? build_head(ask, &head) : ERR_NOMEM;
    bool kept = c && c->fd >= 0;

    if (!e && !kept)
        e = call_core(c);
    if (e)
        return e;
    e = exchange_once(c, ask, buf_slice(&head), &in, ret);
    if (kept && !in.n &&
        (e == ERR_EOF || e == ERR_IO)) { /* the core had closed it: that request never arrived */
        e = call_core(c);
        if (!e)
            e = exchange_once(c, ask, buf_slice(&head), &in, ret);
    }
    return e == ERR_EOF ? ERR_IO : e;
}
