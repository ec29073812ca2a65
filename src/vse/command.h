/* src/vse/command.h - inside the applet: the shape of a command handler and what handlers share. */
#pragma once
#include "vse/applet.h"
#include "vse/args.h"
#include "vse/policy.h"

#include "base/tlv.h"

/* One command, as its handler sees it: plain, whatever it came wrapped in. */
struct vse_call {
    uint8_t ins, p1, p2;
    struct slice header; /* CLA INS P1 P2 as they came */
    struct slice data;   /* the data field, plain */
    struct slice apdu;   /* the whole command, plain: header, Lc, data, Le (7.x attestation hashes it) */
    struct vse_args args;
    struct vse_session *session; /* never NULL: the default one or the user session it came in */
    bool secured;                /* it came with a MAC: over the platform's channel or the session's own */
};

/* Appends the answer's data to `out` and returns the SW; what it wrote is dropped unless 9000. */
typedef uint16_t vse_handler(struct vse_applet *a, struct vse_call *c, struct writer *out);

/* The SW for an error class. */
uint16_t vse_sw_from_err(err_t e);

/* Ids of the applet's own objects are not the user's to write or delete... */
static inline bool vse_id_reserved(uint32_t id)
{
    return id >= SE_ID_RESERVED_FIRST && id <= SE_ID_RESERVED_LAST;
}

/* ...but for these: a user puts the authentication object there that opens the session for SetLockState,
 * SetAppletFeatures, DeleteAll, SetPlatformSCPRequest, I2C and DisableObjectCreation. */
static inline bool vse_id_authentication(uint32_t id)
{
    return id == SE_ID_TRANSPORT || id == SE_ID_FEATURE || id == SE_ID_FACTORY_RESET ||
           id == SE_ID_PLATFORM_SCP || id == SE_ID_I2CM_ACCESS || id == SE_ID_RESTRICT;
}

/* ---- objects (object_use.c) ---- */

/* May this command use `right` (one SE_POLICY_* bit) of `o`? EVERY use of an object asks this: its policy set
 * with the session's authentication object, the conditions (secure messaging, PCR value), what the type has
 * at all, and whose transient object it is. SW: 9000; 6986 refused by the policy; 6985 not for this type or
 * not this session's. */
uint16_t vse_policy_check(const struct vse_applet *a, const struct vse_call *c, const struct vse_object *o,
                          uint32_t right);

/* Who asks, for policy.h's own functions (vse_policy_restricts). */
struct vse_policy_who vse_call_who(const struct vse_applet *a, const struct vse_call *c);

/* The object named by `tag`. 6985 when absent, 6A80 when the tag is malformed or missing; then
 * vse_policy_check for `right` (0 = none needed). Borrowed. */
uint16_t vse_object_at(struct vse_applet *a, struct vse_call *c, uint8_t tag, uint32_t right,
                       struct vse_object **ret);
/* The same for an id. */
uint16_t vse_object_by_id(struct vse_applet *a, const struct vse_call *c, uint32_t id, uint32_t right,
                          struct vse_object **ret);
/* The same for T1. */
uint16_t vse_object_for(struct vse_applet *a, struct vse_call *c, uint32_t right, struct vse_object **ret);

/* What the factory left for later is made now; *o is where the object is then (provision.h). Done by
 * vse_object_at for whoever needs a right. */
uint16_t vse_object_ripe(struct vse_applet *a, struct vse_object **o);

/* ---- writing objects (object_write.c): begin, describe, need, change, commit ---- */

typedef uint16_t vse_write_step(struct vse_applet *a, struct vse_call *c, struct vse_object *o);

/* What writes of one kind do with the copy. An SW other than 9000 ends the write, and nothing has changed. */
struct vse_write {
    vse_write_step *create; /* a new object: its type, its size */
    vse_write_step *same;   /* one that is there: does what the command says of it hold? */
    uint32_t right;         /* asked of one that is there; 0: `same` has asked */
    vse_write_step *change; /* its value */
};

/* All of it. */
uint16_t vse_write_object(struct vse_applet *a, struct vse_call *c, const struct vse_write *how);

/* A copy of the object of T1, or a new one (type 0, POL and MAXATT taken, owner set) to work on. Owned by the
 * caller on 9000. Asks the restrict mode, reserved ids, and that POL and MAXATT come with new objects only.
 */
uint16_t vse_write_begin(struct vse_applet *a, struct vse_call *c, struct vse_object **ret);
/* 9000 when the object is new, else vse_policy_check. */
uint16_t vse_write_need(const struct vse_applet *a, const struct vse_call *c, const struct vse_object *o,
                        bool is_new, uint32_t right);
/* Make `o` (owned, always taken) durable and put it into the table, replacing its former self. */
uint16_t vse_applet_commit(struct vse_applet *a, struct vse_object *o);
/* Delete it durably, and end the sessions it opened. Policy is the caller's to ask. */
uint16_t vse_applet_remove(struct vse_applet *a, uint32_t id);
/* The same with the errors of memory, for what is not a command (provisioning). */
err_t vse_applet_keep_object(struct vse_applet *a, struct vse_object *o);

/* ---- the rest ---- */

/* A yes or no in the answer: 01 or 02. */
static inline void vse_put_verdict(struct writer *out, uint8_t tag, bool good)
{
    tlv_put_u8(out, tag, good ? SE_RESULT_SUCCESS : SE_RESULT_FAILURE);
}

/* Bytes of non-volatile memory not taken: what the factory put there does not count. */
size_t vse_applet_memory_free(const struct vse_applet *a);
/* Bytes of RAM for the values of transient objects not taken. */
size_t vse_applet_ram_free(const struct vse_applet *a);
/* The seven bytes of SELECT and GetVersion. */
void vse_put_version(const struct vse_applet *a, struct writer *out);
/* The data limit of one APDU of this applet version. */
size_t vse_applet_data_max(const struct vse_applet *a);
/* Weierstrass curve `id` has all its parameters. */
bool vse_curve_usable(const struct vse_applet *a, uint8_t id);
/* The type as ReadType, attributes and the list filter tell it: per curve on 7.x. */
uint8_t vse_type_told(const struct vse_applet *a, const struct vse_object *o);

static inline bool vse_is_7x(const struct vse_applet *a)
{
    return vse_personality_is_7x(a->part);
}

/* Run a plain command in a session and append its data; the SW. For ProcessSessionCmd and
 * ImportExternalObject. */
uint16_t vse_run_plain(struct vse_applet *a, struct vse_session *s, bool secured, struct slice apdu,
                       struct writer *out);
