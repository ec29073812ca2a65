/* What EC and RSA writes share: may this key be written here? */
#include "se/key_write.h"

#include "se/detail.h"
#include "se/object.h"

#include <stdio.h>

const char *se_key_what(char out[SE_WHAT_MAX], uint32_t id, const char *doing)
{
    (void)snprintf(out, SE_WHAT_MAX, "object %08x: %s", id, doing);
    return out;
}

err_t se_key_clear_way(struct se_chip *chip, uint32_t id, uint8_t type, size_t size, bool *ret_fresh)
{
    struct se_object_type old = { 0 };
    size_t old_size = 0;
    bool there = false;
    err_t e = se_object_exists(chip, id, &there);

    if (e || !there) {
        *ret_fresh = true;
        return e;
    }
    e = se_object_type(chip, id, &old);
    if (!e)
        e = se_object_size(chip, id, &old_size);
    if (e)
        return e;
    if (se_type_class(old.type) != type || old_size != size)
        return se_fail(ERR_EXISTS, "object %08x: exists with another type or size; erase it first", id);
    *ret_fresh = false;
    return ERR_OK;
}
