/* src/cloud/api/control.h - the control port: REST-JSON for callers with access keys. Belongs to the loop's
 * thread. */
#pragma once
#include "cloud/accounts.h"
#include "cloud/auth/accesskeys.h"

struct control;

struct report_source;

struct control_opts {
    struct accounts *accounts; /* must outlive it */
    struct access_keys *keys;  /* the same */
    struct net_loop *loop;
    bool any_key;                       /* --insecure-dev */
    const struct report_source *report; /* for GET /metrics; must outlive it */
};

err_t control_new(const struct control_opts *opts, struct control **ret);
void control_free(struct control *c);
/* Serve this connection; takes it. */
void control_adopt(struct control *c, struct net_stream *s);
