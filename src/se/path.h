/* src/se/path.h - the way from a handle to the applet: the seam between chip.c and what carries APDUs.
 *
 * Above it: the handle, application sessions, every command. Below it: the direct path (direct.c: bus lock,
 * T=1, SELECT, platform SCP03) and the one through the access daemon (keyd_path.c). Only plain command APDUs
 * and their plain answers cross it; ProcessSessionCmd with a wrapped command inside is one of them.
 *
 * Blocking; one thread at a time (the handle's mutex). A path belongs to the process that opened it: a child
 * of fork calls `leave` and nothing else. Failures come with se_detail().
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "se/chip.h"
#include "se/port.h"

struct se_path;

/* Known after the first begin that succeeded. */
struct se_path_state {
    struct se_version version;
    struct se_channel channel;
    bool pin_held; /* the access daemon has logged in for its clients: C_Login needs no PIN */
    /* Grows whenever the applet was selected anew: the sessions and contexts of earlier generations are gone.
     */
    uint64_t generation;
};

struct se_path_ops {
    /* Start a sequence: connect where necessary, have the chip for ourselves, the applet selected and the
     * platform's channel open. `state` is up to date afterwards. Errors: se/chip.h; nothing is held then. */
    err_t (*begin)(struct se_path *path);

    /* Send one command APDU. `apdu` is borrowed for the call. One command at a time. */
    err_t (*send)(struct se_path *path, struct slice apdu);

    /* Wait for its answer until deadline_ms of clock_mono_ms (INT64_MAX: as long as the path has patience).
     * *ret_answer is data and status word, whatever the status; it points into the path and dies with the
     * next call. ERR_MORE      not yet: call again, or cancel ERR_CONFLICT  the command was certainly not
     * executed, because the chip was reset or used by somebody else behind our back. The path is in order
     * again, `state.generation` is a new one: the command may be sent once more. others        se/chip.h: the
     * command may have been executed or not */
    err_t (*receive)(struct se_path *path, int64_t deadline_ms, struct slice *ret_answer);

    /* Give up the answer that is due. What the chip did meanwhile stays done. */
    void (*cancel)(struct se_path *path);

    /* End the sequence; what passed through is wiped. Never fails. */
    void (*end)(struct se_path *path);

    /* Outside a sequence: say goodbye where that costs nobody anything, close, free. */
    void (*close)(struct se_path *path);
    /* In a child of fork: close descriptors, touch neither lock nor wire, free. */
    void (*leave)(struct se_path *path);
};

struct se_path {
    const struct se_path_ops *ops;
    struct se_path_state state;
    char name[SE_PORT_TEXT_MAX]; /* for messages */
};

/* Open the path for a port: no I/O yet for a bus, that is begin's. `scp03` as in se_chip_options, NULL for
 * none; not looked at where the daemon has the channel. ERR_NOMEM, and the errors of se/keyset.h. */
err_t se_path_open(const struct se_port *port, const char *scp03, struct se_path **ret);
