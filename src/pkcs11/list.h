/* src/pkcs11/list.h - a run of object references. Plain data; no lock. */
#pragma once
#include "pkcs11/object.h"

/* Two for each object of the chip (SE_LIST_MAX), and as many of sessions. */
#define P11_LIST_MAX 16384

struct p11_list {
    struct p11_object **v;
    size_t n, cap;
};

void p11_list_done(struct p11_list *l);
/* Add with a reference of its own. */
err_t p11_list_add(struct p11_list *l, struct p11_object *o);
/* Give up the object at i; the last one takes its place. */
void p11_list_remove(struct p11_list *l, size_t i);
/* Borrowed; NULL when there is none. */
struct p11_object *p11_list_find(const struct p11_list *l, uint32_t id, CK_OBJECT_CLASS class);
struct p11_key *p11_list_key(const struct p11_list *l, uint32_t id);
