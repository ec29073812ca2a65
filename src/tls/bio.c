/* src/tls/bio.c - a BIO that reads what the transport has just shown and collects what OpenSSL writes. */
#include "tls/stream_impl.h"

#include <openssl/bio.h>
#include <pthread.h>

static int io_read_ex(BIO *bio, char *out, size_t n, size_t *ret_n)
{
    struct tls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    struct slice from = io->held.n ? buf_slice(&io->held) : io->in;
    if (!from.n) {
        BIO_set_retry_read(bio);
        return 0;
    }
    if (n > from.n)
        n = from.n;
    memcpy(out, from.p, n);
    if (io->held.n)
        buf_drop(&io->held, n);
    else
        io->in = slice_skip(io->in, n);
    *ret_n = n;
    return 1;
}

static int io_write_ex(BIO *bio, const char *in, size_t n, size_t *ret_n)
{
    struct tls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (buf_add_mem(&io->out, in, n))
        return 0;
    *ret_n = n;
    return 1;
}

static long io_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio, (void)num, (void)ptr;
    return cmd == BIO_CTRL_FLUSH; /* SSL_do_handshake flushes and wants to hear that it worked */
}

static BIO_METHOD *method;

static void make_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sedge stream");
    if (!m || !BIO_meth_set_read_ex(m, io_read_ex) || !BIO_meth_set_write_ex(m, io_write_ex) ||
        !BIO_meth_set_ctrl(m, io_ctrl)) {
        BIO_meth_free(m);
        return;
    }
    method = m; /* for the life of the process */
}

BIO *tls_bio_new(struct tls_io *io)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, io);
    BIO_set_init(bio, 1);
    return bio;
}
