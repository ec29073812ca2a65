#include "pkcs11/find.h"

#include "pkcs11/attr.h"
#include "pkcs11/label.h"
#include "pkcs11/rv.h"

struct search {
    const CK_ATTRIBUTE *attrs;
    CK_ULONG n;
    bool logged_in, private_only;
    struct p11_wanted wanted;
};

/* A label names an object that has it, or the one whose id it stands for (label.h). */
static bool match(const struct p11_object *o, const struct search *s)
{
    for (CK_ULONG i = 0; i < s->n; i++) {
        if (p11_attr_match(o, &s->attrs[i], 1))
            continue;
        bool named = s->attrs[i].type == CKA_LABEL && s->wanted.by_label && !o->recorded && o->id != 0 &&
                     o->id == s->wanted.label_id;
        if (!named)
            return false;
    }
    return true;
}

static bool take(const struct p11_object *o, void *arg)
{
    const struct search *s = arg;

    if (o->private && !s->logged_in)
        return false; /* §6.7.2: private objects are not seen without login, and that is no error */
    return match(o, s);
}

/* What the chip can have of the class the template asks for; no class: of any. */
static unsigned wanted_classes(struct search *s)
{
    CK_ULONG class = 0;

    if (!p11_attr_ulong(s->attrs, s->n, CKA_CLASS, &class))
        return P11_WANT_KEYS | P11_WANT_FILES;
    s->private_only = class == CKO_PRIVATE_KEY;
    switch (class) {
    case CKO_PRIVATE_KEY:
    case CKO_SECRET_KEY:
    case CKO_PUBLIC_KEY:
        return P11_WANT_KEYS;
    case CKO_CERTIFICATE:
    case CKO_DATA:
        return P11_WANT_FILES;
    default:
        return 0;
    }
}

static err_t judge(struct p11_module *m, struct search *s)
{
    struct p11_wanted *w = &s->wanted;

    w->classes = wanted_classes(s);
    w->by_cka_id = p11_attr_bytes(s->attrs, s->n, CKA_ID, &w->cka_id);
    w->by_label = p11_attr_bytes(s->attrs, s->n, CKA_LABEL, &w->label) && w->label.n;
    w->address = w->by_label && !w->by_cka_id && p11_label_is_id(w->label, &w->label_id);
    return w->by_label ? p11_label_to_id(m->ossl, w->label, &w->label_id) : ERR_OK;
}

CK_RV p11_find_init(struct p11_module *m, struct p11_session *s, const CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    struct search search = { .attrs = attrs, .n = n };
    CK_OBJECT_HANDLE *found = NULL;
    size_t found_n = 0;
    err_t e = ERR_OK;

    if (s->finding)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = p11_attr_check_template(attrs, n);
    if (rv != CKR_OK)
        return rv;
    e = judge(m, &search);
    if (!e && search.wanted.classes)
        e = p11_pin_look(m); /* are private objects to be seen? */
    search.logged_in = p11_logged_in(m->sessions);
    if (search.private_only && !search.logged_in)
        search.wanted.classes = 0;
    if (!e && search.wanted.classes)
        e = p11_objects_refresh(m->objects, m->device, &search.wanted);
    if (!e)
        e = p11_objects_select(m->objects, take, &search, &found, &found_n);
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
