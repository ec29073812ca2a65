#include "pkcs11/find.h"

#include "pkcs11/attr.h"
#include "pkcs11/label.h"
#include "pkcs11/rv.h"

struct search {
    const CK_ATTRIBUTE *attrs;
    CK_ULONG n;
    bool logged_in;
    /* The template's label is a plain name, which stands for this id (label.h). */
    bool by_name;
    uint32_t named;
};

static bool match_named(const struct p11_object *o, const struct search *s)
{
    for (CK_ULONG i = 0; i < s->n; i++) {
        bool same = s->attrs[i].type == CKA_LABEL ? o->id == s->named : p11_attr_match(o, &s->attrs[i], 1);
        if (!same)
            return false;
    }
    return true;
}

static bool take(const struct p11_object *o, void *arg)
{
    const struct search *s = arg;

    if (o->private && !s->logged_in)
        return false; /* §6.7.2: private objects are not seen without login, and that is no error */
    return s->by_name ? match_named(o, s) : p11_attr_match(o, s->attrs, s->n);
}

/* Nothing on the chip can match: many programs look for certificates, data, or trust objects. */
static bool hopeless(const struct search *s)
{
    CK_ULONG class = 0;

    if (!p11_attr_ulong(s->attrs, s->n, CKA_CLASS, &class))
        return false;
    return class == CKO_PRIVATE_KEY ? !s->logged_in : class != CKO_PUBLIC_KEY;
}

static err_t resolve_name(struct p11_module *m, struct search *s)
{
    struct slice label;
    uint32_t id = 0;

    if (!p11_attr_bytes(s->attrs, s->n, CKA_LABEL, &label) || label.n == 0 || p11_label_is_id(label, &id))
        return ERR_OK;
    err_t e = p11_label_to_id(m->ossl, label, &s->named);
    s->by_name = e == ERR_OK;
    return e;
}

CK_RV p11_find_init(struct p11_module *m, struct p11_session *s, const CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    struct search search = { .attrs = attrs, .n = n, .logged_in = p11_logged_in(m->sessions) };
    CK_OBJECT_HANDLE *found = NULL;
    size_t found_n = 0;
    err_t e = ERR_OK;

    if (s->finding)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = p11_attr_check_template(attrs, n);
    if (rv != CKR_OK)
        return rv;
    if (!hopeless(&search)) {
        e = resolve_name(m, &search);
        if (!e)
            e = p11_objects_refresh(m->objects, m->device);
        if (!e)
            e = p11_objects_select(m->objects, take, &search, &found, &found_n);
    }
    if (e)
        return p11_rv_from_err(e);
    s->finding = true;
    s->found = found;
    s->found_n = found_n;
    s->found_at = 0;
    return CKR_OK;
}

CK_RV p11_find_next(struct p11_session *s, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *ret_n)
{
    if (!s->finding)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_ULONG n = 0;
    while (n < max && s->found_at < s->found_n)
        out[n++] = s->found[s->found_at++];
    *ret_n = n;
    return CKR_OK;
}

CK_RV p11_find_final(struct p11_session *s)
{
    if (!s->finding)
        return CKR_OPERATION_NOT_INITIALIZED;
    free(steal(&s->found));
    s->finding = false;
    s->found_n = s->found_at = 0;
    return CKR_OK;
}
