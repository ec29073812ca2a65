#include "pkcs11/list.h"

void p11_list_done(struct p11_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        p11_object_unref(l->v[i]);
    free(l->v);
    *l = (struct p11_list){ 0 };
}

err_t p11_list_add(struct p11_list *l, struct p11_object *o)
{
    err_t e = mem_grow(&l->v, &l->cap, l->n + 1, P11_LIST_MAX, sizeof(struct p11_object *));
    if (!e)
        l->v[l->n++] = p11_object_ref(o);
    return e;
}

void p11_list_remove(struct p11_list *l, size_t i)
{
    p11_object_unref(l->v[i]);
    l->v[i] = l->v[--l->n];
}

struct p11_object *p11_list_find(const struct p11_list *l, uint32_t id, CK_OBJECT_CLASS class)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->id == id && l->v[i]->class == class)
            return l->v[i];
    }
    return NULL;
}

struct p11_key *p11_list_key(const struct p11_list *l, uint32_t id)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->id == id && l->v[i]->key)
            return l->v[i]->key;
    }
    return NULL;
}
