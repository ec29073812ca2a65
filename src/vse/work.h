/* src/vse/work.h - what the commands that compute share: keys to use, crypto objects to run in, objects
 * that take a result. Inside the applet; one thread at a time. */
#pragma once
#include "vse/command.h"
#include "vse/crypto_object.h"

/* Has the part, as it is set now, what keys of this kind are for (SE_CONFIG_*)? Commands that do not say
 * which algorithm they mean have the question asked here: 6985. */
bool vse_key_featured(const struct vse_applet *a, const struct vse_object *o);

/* The key of `tag`, of that type (SE_TYPE_AES, ...), for that right. 6985 for another type, for an
 * authentication object and for one without a value. Borrowed. */
uint16_t vse_key_at(struct vse_applet *a, struct vse_call *c, uint8_t tag, uint8_t type, uint32_t right,
                    const struct vse_object **ret);
/* The same for an id. */
uint16_t vse_key_by_id(struct vse_applet *a, struct vse_call *c, uint32_t id, uint8_t type, uint32_t right,
                       const struct vse_object **ret);
/* Does its policy set say so? For the bits that take something away: a set that is empty takes nothing. */
bool vse_policy_says(const struct vse_applet *a, const struct vse_call *c, const struct vse_object *o,
                     uint32_t bit);

/* The crypto object of T2, of that context. 6985 when there is none. Borrowed until one is made or deleted.
 */
uint16_t vse_crypto_object_for(struct vse_applet *a, struct vse_call *c, uint8_t context,
                               struct vse_crypto_object **ret);
/* The same with work of that kind running in it that this session began; 6985 otherwise. */
uint16_t vse_work_for(struct vse_applet *a, struct vse_call *c, uint8_t context, enum vse_task work,
                      struct vse_crypto_object **ret);
/* `work` begins in o, which stopped before; o->run is the caller's to set. */
void vse_work_begin(struct vse_crypto_object *o, const struct vse_call *c, enum vse_task work);

/* What a cipher begins with, in one shot or in steps. */
enum { VSE_IV_MAX = 64 };
struct vse_start {
    uint8_t mode; /* the caller's: SE_CIPHER_*, SE_AEAD_* */
    bool encrypt; /* the caller's */
    const struct vse_object *key;
    struct slice iv; /* as it came in the command, or in room */
    bool made_here;  /* then the answer tells it */
    uint8_t room[VSE_IV_MAX];
};

/* The key of T1, of that type, for the direction. */
uint16_t vse_start_key(struct vse_applet *a, struct vse_call *c, uint8_t type, struct vse_start *s);
/* The IV of `tag` as it came. 6986 where the key's policy forbids those from outside (7.x), encrypting. */
uint16_t vse_start_iv(struct vse_applet *a, struct vse_call *c, uint8_t tag, struct vse_start *s);
/* One of the part's own: random bytes, as many as the two bytes of `tag` say, at most `max`. 6A80 when it is
 * not two bytes or too many. */
uint16_t vse_start_own_iv(struct vse_call *c, uint8_t tag, size_t max, struct vse_start *s);

/* What comes out of key `from`: T1 of the answer, or, when the command has T7 (7.x), the value of that
 * object, which is made with `type` when it is not there: SE_TYPE_BINARY, which hosts read back, or
 * SE_TYPE_HMAC, which nobody reads; a file is then no target. 6986 when the policy of `from` forbids that it
 * is told, or that of the target that it is written. */
uint16_t vse_put_derived(struct vse_applet *a, struct vse_call *c, const struct vse_object *from,
                         uint8_t type, struct slice value, struct writer *out);
/* The second half of it: `value` into the object of `tag`. `from` may be NULL: then only the right to write
 * counts, not that to derive from this object (7.x). */
uint16_t vse_keep_derived(struct vse_applet *a, struct vse_call *c, uint8_t tag,
                          const struct vse_object *from, uint8_t type, struct slice value);
