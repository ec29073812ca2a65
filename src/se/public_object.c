/* The installed library: objects (include/sedge/se_object.h). */
#include "se/attribute.h"
#include "se/counter.h"
#include "se/detail.h"
#include "se/export.h"
#include "se/object.h"
#include "se/public.h"
#include "se/symmetric.h"

sedge_err sedge_se_exists(sedge_se *se, uint32_t id, bool *ret)
{
    return (sedge_err)se_object_exists(chip(se), id, ret);
}

sedge_err sedge_se_type(sedge_se *se, uint32_t id, uint8_t *ret_type, bool *ret_transient)
{
    struct se_object_type t;
    err_t e = se_object_type(chip(se), id, &t);

    if (e)
        return (sedge_err)e;
    *ret_type = t.type;
    *ret_transient = t.transient;
    return SEDGE_ERR_OK;
}

uint8_t sedge_se_type_class(uint8_t type)
{
    return se_type_class(type);
}

sedge_err sedge_se_size(sedge_se *se, uint32_t id, size_t *ret)
{
    return (sedge_err)se_object_size(chip(se), id, ret);
}

sedge_err sedge_se_list(sedge_se *se, uint8_t type, uint32_t *ids, size_t room, size_t *ret_n)
{
    autofree uint32_t *found = NULL;
    size_t n = 0;
    err_t e = se_object_list(chip(se), type, &found, &n);

    if (!e && n > room)
        e = se_fail(ERR_TOO_BIG, "there are %zu objects, and room for %zu", n, room);
    if (e)
        return (sedge_err)e;
    if (n)
        memcpy(ids, found, n * sizeof(*ids));
    *ret_n = n;
    return SEDGE_ERR_OK;
}

sedge_err sedge_se_attributes(sedge_se *se, uint32_t id, struct sedge_se_attributes *ret)
{
    struct se_attributes a;
    err_t e = se_object_attributes(chip(se), id, &a);

    if (!e)
        se_attributes_of(&a, ret);
    return (sedge_err)e;
}

sedge_err sedge_se_read(sedge_se *se, uint32_t id, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_object_read(chip(se), id, &b), &b, ret);
}

sedge_err sedge_se_read_at(sedge_se *se, uint32_t id, size_t offset, size_t length, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_object_read_at(chip(se), id, offset, length, &b), &b, ret);
}

sedge_err sedge_se_write_file(sedge_se *se, uint32_t id, sedge_bytes bytes, const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_object_write_binary(chip(se), id, in(bytes), h.how));
}

sedge_err sedge_se_create_file(sedge_se *se, uint32_t id, size_t size, const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_object_create_binary(chip(se), id, size, h.how));
}

sedge_err sedge_se_update_file(sedge_se *se, uint32_t id, size_t offset, sedge_bytes bytes)
{
    return (sedge_err)se_object_update_binary(chip(se), id, offset, in(bytes));
}

sedge_err sedge_se_delete(sedge_se *se, uint32_t id)
{
    return (sedge_err)se_object_delete(chip(se), id);
}

sedge_err sedge_se_export(sedge_se *se, uint32_t id, uint8_t component, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_object_export(chip(se), id, component, &b), &b, ret);
}

sedge_err sedge_se_import(sedge_se *se, uint32_t id, uint8_t component, sedge_bytes blob)
{
    return (sedge_err)se_object_import(chip(se), id, component, in(blob));
}

sedge_err sedge_se_import_external(sedge_se *se, sedge_bytes auth, uint32_t host, sedge_bytes command)
{
    return (sedge_err)se_object_import_external(chip(se), in(auth), host, in(command));
}

sedge_err sedge_se_write_secret(sedge_se *se, uint32_t id, const struct sedge_se_secret *key,
                                const struct sedge_se_write *how)
{
    const struct se_symmetric k = { key->type, in(key->value), key->kek, key->min_tag, key->min_output };
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_symmetric_write(chip(se), id, &k, h.how));
}

sedge_err sedge_se_generate_secret(sedge_se *se, uint32_t id, uint8_t type, size_t n,
                                   const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_symmetric_generate(chip(se), id, type, n, h.how));
}

sedge_err sedge_se_write_userid(sedge_se *se, uint32_t id, sedge_bytes value,
                                const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_userid_write(chip(se), id, in(value), h.how));
}

sedge_err sedge_se_create_counter(sedge_se *se, uint32_t id, size_t size, uint64_t first,
                                  const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_counter_create(chip(se), id, size, first, h.how));
}

sedge_err sedge_se_raise_counter(sedge_se *se, uint32_t id, size_t size, uint64_t value)
{
    return (sedge_err)se_counter_set(chip(se), id, size, value);
}

sedge_err sedge_se_increment_counter(sedge_se *se, uint32_t id)
{
    return (sedge_err)se_counter_increment(chip(se), id);
}

sedge_err sedge_se_read_counter(sedge_se *se, uint32_t id, uint64_t *ret)
{
    return (sedge_err)se_counter_get(chip(se), id, ret);
}

sedge_err sedge_se_create_pcr(sedge_se *se, uint32_t id, const uint8_t initial[SEDGE_SE_PCR_LEN],
                              const struct sedge_se_write *how)
{
    struct how h;
    err_t e = se_how_of(how, &h);

    return (sedge_err)(e ? e : se_pcr_create(chip(se), id, initial, h.how));
}

sedge_err sedge_se_extend_pcr(sedge_se *se, uint32_t id, sedge_bytes data)
{
    return (sedge_err)se_pcr_extend(chip(se), id, in(data));
}

sedge_err sedge_se_reset_pcr(sedge_se *se, uint32_t id)
{
    return (sedge_err)se_pcr_reset(chip(se), id);
}

sedge_err sedge_se_read_pcr(sedge_se *se, uint32_t id, uint8_t ret[SEDGE_SE_PCR_LEN])
{
    return (sedge_err)se_pcr_get(chip(se), id, ret);
}
