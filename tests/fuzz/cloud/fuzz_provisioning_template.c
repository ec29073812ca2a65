/* Whatever is sent as a template, with whatever parameters (they stand before the first zero byte): refused
 * with a reason, or resolved within its bounds. */
#include "base/mem.h"
#include "cloud/provisioning/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void resolve(const struct template *t, const json_t *params)
{
    auto_plan plan = { 0 };
    char why[TEMPLATE_WHY_MAX] = "";
    err_t e = template_resolve(t, params, &plan, why);

    if (e != ERR_OK && e != ERR_NOMEM && !why[0])
        abort();
    if (!e && !json_is_object(plan.device_configuration))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = memchr(data, 0, size);
    struct slice text = zero ? slice_of(zero + 1, size - (size_t)(zero - data) - 1) : slice_of(data, size);
    auto_json *params = NULL;
    auto_template *t = NULL;
    char why[TEMPLATE_WHY_MAX] = "";
    err_t e = template_parse(text, &t, why);

    if (e) {
        if (e != ERR_NOMEM && !why[0])
            abort();
        return 0;
    }
    (void)template_check_device(t, why);
    if (zero && json_parse(slice_of(data, (size_t)(zero - data)), 4, &params, NULL))
        return 0;
    resolve(t, params);
    return 0;
}
