/* Whatever is sent as a function definition: taken, or refused with a reason that fits its room. */
#include "cloud/greengrass/functions.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 24u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *wrong, const char detail[GG_DETAIL_MAX])
{
    if (wrong && (wrong != detail || !memchr(detail, 0, GG_DETAIL_MAX) || !*detail))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_json *version = NULL;
    char detail[GG_DETAIL_MAX];
    json_t *defaults, *entity;
    size_t i;

    if (json_parse(slice_of(data, size), DEPTH_MAX, &version, NULL))
        return 0;
    defaults = json_object_get(version, "DefaultConfig");
    check(gg_defaults_wrong(defaults, detail), detail);
    json_array_foreach(json_get_arr(version, "Functions"), i, entity)
    {
        check(gg_function_wrong(entity, defaults, detail), detail);
        if (!gg_isolation(entity, defaults))
            abort();
    }
    return 0;
}
