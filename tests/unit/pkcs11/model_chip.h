/* A chip in this process: the applet model right behind the seam of se, for tests of the module. */
#pragma once
#include "base/mem.h"
#include "pkcs11/device.h"
#include "se/chip_open.h"
#include "se/wire.h"
#include "vse/applet.h"
#include "vse/personality.h"
#include "vse/provision.h"

#include <stdlib.h>

static struct vse_applet model_applet;

/* What may happen to a command on its way; NULL: nothing does. ERR_OK: it reaches the chip. */
static err_t (*model_lose)(struct slice apdu);
/* A sequence of commands begins; may be NULL. */
static void (*model_begins)(void);

struct model_path {
    struct se_path path;
    struct buf answer;
};

static err_t model_keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    return ERR_OK;
}

static err_t model_begin(struct se_path *path)
{
    if (model_begins)
        model_begins();
    return ERR_OK;
}

static err_t model_send(struct se_path *path, struct slice apdu)
{
    struct model_path *p = CONTAINER_OF(path, struct model_path, path);
    err_t e = model_lose ? model_lose(apdu) : ERR_OK;

    if (e)
        return e;
    buf_clear(&p->answer);
    vse_applet_run(&model_applet, apdu, &p->answer);
    return ERR_OK;
}

static err_t model_receive(struct se_path *path, int64_t deadline_ms, struct slice *ret_answer)
{
    *ret_answer = buf_slice(&CONTAINER_OF(path, struct model_path, path)->answer);
    return ERR_OK;
}

static void model_nothing(struct se_path *path)
{
}

static void model_close(struct se_path *path)
{
    struct model_path *p = CONTAINER_OF(path, struct model_path, path);

    buf_done(&p->answer);
    free(p);
}

static const struct se_path_ops model_ops = { model_begin,   model_send,  model_receive, model_nothing,
                                              model_nothing, model_close, model_close };

static err_t model_open(struct se_chip **ret)
{
    struct model_path *p = mem_calloc(1, sizeof(*p));

    if (!p)
        return ERR_NOMEM;
    p->path.ops = &model_ops;
    p->path.state.version = (struct se_version){ 3, 1, 0, 0x3fff, 0x010b };
    p->path.state.generation = 1;
    p->answer = BUF_INIT(SE_ANSWER_MAX);
    return se_chip_open_path(&p->path, ret);
}

/* A new chip with its applet selected; the module will open it. False: out of memory. */
static bool model_power_on(void)
{
    static const struct slice select = SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00");
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    vse_applet_init(&model_applet, &vse_personality_3_1, (struct vse_nvm){ NULL, model_keep_nothing });
    if (vse_applet_provision(&model_applet, VSE_FACTORY_EC) != ERR_OK)
        return false;
    vse_applet_run(&model_applet, select, &out);
    p11_device_set_opener(model_open);
    return true;
}
