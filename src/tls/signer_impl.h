/* src/tls/signer_impl.h - private to src/tls: what is handed to a signer. */
#pragma once
#include "tls/signer.h"

#include <stdbool.h>

struct tls_job {
    /* On the signer's thread; stopping: the signer is going away, do not begin. The job belongs to its
     * owner again as soon as this has passed it on. */
    void (*run)(struct tls_job *job, bool stopping);
    struct tls_job *next;
};

/* ERR_BUSY when the queue is full, ERR_CANCELLED when the signer is stopping. Any thread. */
err_t tls_signer_push(struct tls_signer *s, struct tls_job *job);
