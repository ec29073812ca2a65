/* src/vse/applet.h - the IoT applet: command APDUs in, answers out, objects in between.
 *
 * No sockets, no files (non-volatile memory is the interface in nvm.h); the clock is a pointer. One thread at
 * a time. Spec: NXP AN12413.
 */
#pragma once
#include "vse/crypto_object.h"
#include "vse/desfire.h"
#include "vse/hidden.h"
#include "vse/i2cm.h"
#include "vse/nvm.h"
#include "vse/object.h"
#include "vse/observer.h"
#include "vse/personality.h"
#include "vse/session.h"
#include "vse/settings.h"
#include "vse/tls.h"

struct vse_applet {
    const struct vse_personality *part;
    bool selected;
    struct vse_objects objects;
    uint8_t curves[SE_CURVE_WEIERSTRASS_COUNT + 1]; /* by curve id: parameters set; CREATED once made */
    struct vse_crypto_objects crypto;
    struct vse_tls tls;
    struct vse_desfire desfire;
    struct vse_settings settings;
    struct vse_hidden hidden;
    struct vse_i2cm i2cm;
    struct vse_scp platform; /* the platform's secure channel */
    struct vse_sessions sessions;
    struct vse_nvm nvm;
    struct vse_observer observer; /* told of every command; see observer.h */
    int64_t (*now_ms)(void);      /* for session limits; tests put their own */
    uint64_t private_ops;         /* private-key operations since the process started */
};

enum { VSE_CURVE_CREATED = 0x80 };

/* An applet without objects, with the personality's platform keys. */
void vse_applet_init(struct vse_applet *a, const struct vse_personality *part, struct vse_nvm nvm);
void vse_applet_done(struct vse_applet *a);

/* Take over one entry from non-volatile memory at start. ERR_CORRUPT, ERR_NOMEM, ERR_TOO_BIG. */
err_t vse_applet_load(struct vse_applet *a, uint8_t kind, uint32_t id, struct slice value);

/* Run one command and append data and SW to `out` (room for SE_ANSWER_MAX). Never fails: what goes
 * wrong is the SW. */
void vse_applet_run(struct vse_applet *a, struct slice apdu, struct buf *out);

/* The applet is no longer selected: soft reset, end of session. Sessions and the platform's channel end. */
void vse_applet_deselect(struct vse_applet *a);
/* Chip reset: deselected, and transient objects lose their values. */
void vse_applet_reset(struct vse_applet *a);
