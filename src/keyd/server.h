/* src/keyd/server.h - the parts of sedge-keyd and how they hang together; for the files of this room only.
 *
 * Everything here belongs to the loop's thread; the worker has its one job. Files: listen.c sockets, client.c
 * a connection and its messages, request.c what is asked and may it, turn.c who is next, session.c and
 * context.c what the chip keeps for one client and not for others, serve.c life and death.
 */
#pragma once
#include "keyd/classify.h"
#include "keyd/config.h"
#include "keyd/users.h"
#include "keyd/worker.h"
#include "net/listener.h"
#include "se/keyd_wire.h"

enum {
    KEYD_SESSIONS_MAX = 2,  /* what the applet has beside its own (reference 3.1) */
    KEYD_CONTEXTS_MAX = 64, /* crypto objects of ours in the chip */
    KEYD_TOUCHED_MAX = 32,  /* objects remembered of a sequence; more: all */
    KEYD_GAP_MS = 10,       /* so long the others wait for the next command of a sequence */
    KEYD_TURN_COMMANDS = 64,
    KEYD_TURN_MS = 500, /* a sequence that goes on for longer lets others in between */
    KEYD_QUEUE_MS = 120 * 1000,
    KEYD_HELLO_MS = 10 * 1000, /* for a whole message, once it has begun */
    KEYD_DRAIN_MS = 5 * 1000,
};

struct keyd_server;

enum keyd_request_kind {
    KEYD_REQUEST_NONE,
    KEYD_REQUEST_HELLO, /* waits until the chip has answered for the first time */
    KEYD_REQUEST_COMMAND,
};

struct keyd_client {
    struct keyd_client *next, **link;
    struct keyd_server *server;
    struct net_stream *stream;
    struct net_timer *deadline; /* of a message that has begun, of hello, of the queue */
    struct keyd_user *user;
    struct keyd_peer peer;
    bool welcome;
    bool paused;         /* more came while a request was under way */
    bool doomed;         /* to be freed in the next turn */
    bool gone;           /* the connection is; freed when the worker is done with its job */
    uint32_t generation; /* told to the client; grows when something it may hold is gone */
    /* the one request under way */
    struct keyd_waiting waiting;
    enum keyd_request_kind request;
    struct buf apdu; /* its bytes; the command points into them */
    struct keyd_command command;
    bool begins; /* it starts a sequence */
    /* its sequence */
    bool in_sequence;
    bool interrupted; /* what it has touched was changed by somebody else */
    uint32_t touched[KEYD_TOUCHED_MAX];
    size_t touched_count; /* KEYD_TOUCHED_MAX: everything */
};

/* An application session of the chip. */
struct keyd_session {
    struct keyd_client *owner; /* NULL and open: to be closed in the chip */
    bool open;
    uint32_t object; /* it was opened with */
    uint8_t id[SE_SESSION_ID_LEN];
    uint64_t generation; /* of the path */
    int64_t used_ms;
};

/* A crypto object in the chip. */
struct keyd_context {
    uint16_t id; /* in the chip; 0: free place */
    uint8_t context, subtype;
    struct keyd_client *owner; /* NULL: for anybody */
    uint16_t name;             /* the owner's id for it */
    bool ready;                /* the owner has initialised it, so nothing of an earlier owner's is in it */
};

struct keyd_server {
    struct net_loop *loop;
    const char *config_path;
    struct keyd_config config; /* the rules in it are exchanged at a reload */
    struct secret *pin;
    struct keyd_worker *worker;
    struct net_listener *listener;
    struct net_timer *tick; /* each second: audit counts, users */
    struct net_signal *signals[3];
    struct keyd_client *clients;
    struct keyd_users users;

    struct keyd_job job;
    bool busy;                    /* the worker has the job */
    struct keyd_client *running;  /* whose job it is; NULL: the daemon's own */
    struct keyd_session *closing; /* the job closes this one */

    struct keyd_client *holder; /* whose turn it is */
    int64_t turn_since_ms, turn_used_ms;
    unsigned turn_commands;
    struct net_timer *gap;

    bool known;           /* the chip has answered: state is right */
    bool contexts_unsure; /* the answer to a creation got lost: the chip may have one more than we know */
    bool down;            /* the last job could not reach it; said once */
    struct se_path_state state;
    struct keyd_session sessions[KEYD_SESSIONS_MAX];
    struct keyd_context contexts[KEYD_CONTEXTS_MAX];

    bool stopping; /* no new commands */
    bool over;     /* no jobs any more */
    int64_t stop_by_ms;
    struct net_timer *drain;
};

/* ---- listen.c ---- */
/* The service manager's socket when it gave one, otherwise config's. */
err_t keyd_listen(struct keyd_server *s, net_accept_fn fn);
/* Tell the service manager; nothing where there is none. */
void keyd_notify(const char *state);

/* ---- client.c ---- */
void keyd_client_accept(void *server, struct net_stream *stream);
/* Hang up; what it held is given back, once the worker has done its job. */
void keyd_client_free(struct keyd_client *c);
/* Answer the request under way, which is over then. */
void keyd_client_welcome(struct keyd_client *c);
void keyd_client_answer(struct keyd_client *c, struct slice answer);
void keyd_client_refuse(struct keyd_client *c, err_t why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- request.c ---- */
/* Look at c->apdu: refuse, answer, or put it in the queue. */
void keyd_request_start(struct keyd_client *c);
/* Make the worker's job of it. ERR_OK: s->job is ready; otherwise it was answered or refused. */
err_t keyd_request_prepare(struct keyd_client *c);
/* The job is done. */
void keyd_request_finish(struct keyd_client *c);

/* ---- turn.c ---- */
void keyd_turn_wait(struct keyd_client *c);
/* The client's sequence is over, or the client. */
void keyd_turn_end(struct keyd_client *c);
/* Give the worker what is next, if it is free. */
void keyd_turn_next(struct keyd_server *s);
void keyd_turn_gap(void *server);  /* timer */
void keyd_turn_done(void *server); /* the worker's task */

/* ---- session.c ---- */
/* The session a command names, if it is the client's. NULL otherwise. */
struct keyd_session *keyd_session_find(const struct keyd_client *c, struct slice id);
/* Before CreateSession: where none is free, the job closes another client's first. ERR_BUSY: all are the
 * client's own. */
err_t keyd_session_room(struct keyd_client *c);
/* After CreateSession: its answer's data. */
void keyd_session_opened(struct keyd_client *c, struct slice answer);
/* After CloseSession. */
void keyd_session_closed(struct keyd_client *c, struct slice id);
/* The client gives its sessions up. */
void keyd_session_release(struct keyd_client *c);
/* One that is to be closed in the chip; NULL: none. */
struct keyd_session *keyd_session_orphan(struct keyd_server *s);
/* Fill the job with closing it. */
err_t keyd_session_close_job(struct keyd_server *s, struct keyd_session *session);
/* The chip was reset: all are gone. */
void keyd_session_lost(struct keyd_server *s);

/* ---- context.c ---- */
/* CreateCryptoObject. ERR_OK: c->apdu now creates one of ours in the chip. ERR_EXISTS: there was one to be
 * had, the client has it. ERR_BUSY no place, ERR_INVALID it has that id already, or not a kind. */
err_t keyd_context_create(struct keyd_client *c);
/* It was made in the chip, or not. */
void keyd_context_created(struct keyd_client *c, bool ok);
/* Put our id in the place of the client's. ERR_WRONG_STATE: none of that id, or not initialised. */
err_t keyd_context_use(struct keyd_client *c);
void keyd_context_used(struct keyd_client *c, bool ok);
err_t keyd_context_delete(struct keyd_client *c); /* ERR_WRONG_STATE: none of that id */
err_t keyd_context_list(const struct keyd_client *c, struct buf *out);
void keyd_context_release(struct keyd_client *c);
/* ReadCryptoObjectList's answer: those an earlier daemon made are to be had again. */
void keyd_context_adopt(struct keyd_server *s, struct slice answer);

/* ---- serve.c ---- */
err_t keyd_serve(const char *config_path, const char *socket);
