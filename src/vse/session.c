#include "vse/session.h"

#include "base/mem.h"
#include "vse/applet.h"

#include <openssl/rand.h>

/* Ids are random: a host that guesses gains nothing, and one that mixes two sessions up is told. */
static bool new_id(struct vse_applet *a, uint64_t *ret)
{
    uint64_t id;

    do {
        if (RAND_bytes((unsigned char *)&id, sizeof(id)) != 1)
            return false;
    } while (id == 0 || vse_session_find(a, id));
    *ret = id;
    return true;
}

struct vse_session *vse_session_new(struct vse_applet *a, enum vse_session_kind kind, uint32_t auth_id)
{
    for (size_t i = 0; i < VSE_SESSIONS; i++) {
        struct vse_session *s = &a->sessions.user[i];
        uint64_t id;
        if (s->kind != VSE_SESSION_FREE)
            continue;
        if (!new_id(a, &id))
            return NULL;
        *s = (struct vse_session){ .kind = kind, .id = id, .auth_id = auth_id, .started_ms = a->now_ms() };
        return s;
    }
    return NULL;
}

struct vse_session *vse_session_find(struct vse_applet *a, uint64_t id)
{
    for (size_t i = 0; i < VSE_SESSIONS; i++)
        if (a->sessions.user[i].kind != VSE_SESSION_FREE && a->sessions.user[i].id == id)
            return &a->sessions.user[i];
    return NULL;
}

void vse_session_close(struct vse_applet *a, struct vse_session *s)
{
    for (size_t i = 0; i < a->objects.n; i++) {
        struct vse_object *o = a->objects.v[i];
        if (o->session && o->session == s->id) {
            vse_object_clear(o);
            o->session = 0; /* whoever may write it may give it a value */
        }
    }
    if (a->desfire.session == s->id)
        vse_desfire_end(&a->desfire);
    mem_wipe(s, sizeof(*s)); /* VSE_SESSION_FREE */
}

void vse_sessions_close_all(struct vse_applet *a)
{
    for (size_t i = 0; i < VSE_SESSIONS; i++)
        if (a->sessions.user[i].kind != VSE_SESSION_FREE)
            vse_session_close(a, &a->sessions.user[i]);
}

void vse_sessions_close_of(struct vse_applet *a, uint32_t id)
{
    for (size_t i = 0; i < VSE_SESSIONS; i++)
        if (a->sessions.user[i].kind != VSE_SESSION_FREE && a->sessions.user[i].auth_id == id)
            vse_session_close(a, &a->sessions.user[i]);
}
