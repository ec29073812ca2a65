/* src/vse/applet.h - the IoT applet: command APDUs in, answers out, objects in between.
 *
 * No sockets, no clock, no files (non-volatile memory is the interface in nvm.h). One thread at a
 * time. Spec: NXP AN12413.
 */
#pragma once
#include "vse/nvm.h"
#include "vse/object.h"

struct vse_applet {
    uint32_t version; /* SE_APPLET_VERSION_* */
    bool selected;
    struct vse_objects objects;
    uint8_t curves[SE_CURVE_WEIERSTRASS_COUNT + 1]; /* by curve id: parameters set; CREATED once made */
    struct vse_nvm nvm;
    uint64_t private_ops; /* private-key operations since the process started */
};

enum { VSE_CURVE_CREATED = 0x80 };

/* An applet without objects. `version` is SE_APPLET_VERSION_3_1 or _7_2. */
void vse_applet_init(struct vse_applet *a, uint32_t version, struct vse_nvm nvm);
void vse_applet_done(struct vse_applet *a);

/* Take over one entry from non-volatile memory at start. ERR_CORRUPT, ERR_NOMEM, ERR_TOO_BIG. */
err_t vse_applet_load(struct vse_applet *a, uint8_t kind, uint32_t id, struct slice value);

/* What every part leaves the factory with: make the unique id when it is missing.
 * The error of the non-volatile memory or of the random generator. */
err_t vse_applet_provision(struct vse_applet *a);

/* Run one command and append data and SW to `out` (room for SE_ANSWER_MAX). Never fails: what goes
 * wrong is the SW. */
void vse_applet_run(struct vse_applet *a, struct slice apdu, struct buf *out);

/* The applet is no longer selected: soft reset, end of session. */
void vse_applet_deselect(struct vse_applet *a);
/* Chip reset: deselected, and transient objects lose their values. */
void vse_applet_reset(struct vse_applet *a);
