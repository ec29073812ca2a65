/* src/pkcs11/view.h - what the chip holds, as last read: ids, directory, and which objects are up to date.
 *
 * One thread at a time (objects.h holds a lock over it). p11_view_refresh is blocking I/O. While nobody else
 * used the chip nothing is read twice; otherwise list and directory are read anew, and of the objects those
 * that a search can be after.
 */
#pragma once
#include "pkcs11/device.h"
#include "pkcs11/directory.h"
#include "pkcs11/list.h"

struct p11_entry {
    uint32_t id;
    uint8_t type; /* SE_TYPE_* folded; 0: not asked yet */
    bool current; /* its objects are in the list as the chip has it */
    bool denied;  /* not readable for who was logged in: looked at again after the next login */
    bool renewed; /* by the refresh that runs */
};

struct p11_view {
    bool read;           /* there is something */
    uint64_t generation; /* of the chip when it was read (se_chip_generation) */
    struct p11_entry *v; /* ours and the applet's own left out */
    size_t n;
    bool user_pin[2], so_pin[2];       /* which PIN objects exist */
    bool no_pins;                      /* at no_pins_at there was none: asked without reading the rest */
    uint64_t no_pins_at, addressed_at; /* generations */
    struct p11_directory dir;
};

void p11_view_init(struct p11_view *w);
void p11_view_done(struct p11_view *w);

/* What a search is after; {0} with the classes set is everything of them, without them only the PINs. */
enum { P11_WANT_KEYS = 1, P11_WANT_FILES = 2 };
struct p11_wanted {
    unsigned classes;
    bool names;   /* the directory, whatever else */
    bool address; /* the label is an id of the chip (label_id) and all there is to go by */
    bool by_label, by_cka_id;
    struct slice label, cka_id;
    uint32_t label_id; /* what the label stands for where there is no record (label.h) */
};

/* Bring the view up to date and read the wanted objects that are not. known: the list's objects of the chip.
 * fresh: gets the objects of all entries that were read (marked `renewed`); one that is the same is the known
 * one, one that only changed attributes has the known one's handle. */
err_t p11_view_refresh(struct p11_view *w, struct p11_device *d, const struct p11_wanted *wanted,
                       const struct p11_list *known, struct p11_list *fresh);
/* Only ids, PIN objects and directory. */
err_t p11_view_list(struct p11_view *w, struct se_chip *chip);

/* Somebody logged in: what was denied may be readable now. */
void p11_view_forget_denied(struct p11_view *w);

struct p11_entry *p11_view_find(const struct p11_view *w, uint32_t id);
/* We made or deleted one ourselves. */
err_t p11_view_add(struct p11_view *w, uint32_t id, uint8_t type);
void p11_view_remove(struct p11_view *w, uint32_t id);
