/* The applet under any sequence of commands, with state: it stays selected and has a curve, an EC pair, an
 * RSA pair and a file. A step is: length(2), command APDU. */
#include "base/reader.h"
#include "vse/applet.h"
#include "vse/command.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t keep_nothing(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    (void)n;
    return ERR_OK;
}

static uint16_t run(struct vse_applet *a, struct slice apdu)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    vse_applet_run(a, apdu, &out);
    if (out.n < 2 || out.n > vse_applet_data_max(a) + 2)
        abort();
    return (uint16_t)(out.p[out.n - 2] << 8 | out.p[out.n - 1]);
}

static void prepare(struct vse_applet *a)
{
    static const struct slice commands[] = {
        SLICE_LIT("\x00\xa4\x04\x00\x10" SE_APPLET_AID "\x00"),
        SLICE_LIT("\x80\x01\x61\x00\x09\x41\x04\x00\x00\x00\x01\x42\x01\x03"),
        SLICE_LIT("\x80\x01\x62\x00\x0a\x41\x04\x00\x00\x00\x02\x42\x02\x02\x00"),
        SLICE_LIT("\x80\x01\x06\x00\x0f\x41\x04\x00\x00\x00\x03\x43\x02\x01\x00\x44\x03"
                  "abc"),
    };

    a->curves[SE_CURVE_P256] = VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (run(a, commands[i]) != SE_SW_OK)
            abort();
}

/* Making large RSA keys is slow and teaches nothing. */
static bool too_slow(struct slice apdu)
{
    return apdu.n < 40 && apdu.n > 2 && (apdu.p[1] & SE_INS_MASK) == SE_INS_WRITE &&
           (apdu.p[2] & SE_P1_TYPE_MASK) == SE_P1_RSA;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    uint32_t version = size & 1 ? SE_APPLET_VERSION_7_2 : SE_APPLET_VERSION_3_1;
    struct vse_applet a;

    vse_applet_init(&a, version, (struct vse_nvm){ NULL, keep_nothing });
    prepare(&a);
    while (!reader_empty(&r)) {
        struct slice apdu = reader_bytes(&r, reader_be16(&r));
        if (!too_slow(apdu))
            (void)run(&a, apdu);
    }
    for (size_t i = 0; i < a.objects.n; i++)
        if (!vse_object_sound(a.objects.v[i]))
            abort(); /* it would be refused when it is loaded again */
    vse_applet_done(&a);
    return 0;
}
