#include "cloud/effects.h"

#include "base/mem.h"

#define EFFECTS_MAX 10000u

void effects_clear(struct effects *fx)
{
    for (size_t i = 0; i < fx->n; i++) {
        free(fx->e[i].id);
        free(fx->e[i].text);
        free(fx->e[i].shadow_name);
        if (fx->e[i].shadow)
            shadow_result_done(fx->e[i].shadow);
        free(fx->e[i].shadow);
    }
    free(fx->e);
    *fx = (struct effects){ 0 };
}

err_t effects_add(struct effects *fx, enum effect_kind kind, const char *id)
{
    autofree char *copy = mem_strdup(id);
    err_t e;

    if (!copy)
        return ERR_NOMEM;
    if ((e = mem_grow(&fx->e, &fx->cap, fx->n + 1, EFFECTS_MAX, sizeof(*fx->e))))
        return e;
    fx->e[fx->n++] = (struct effect){ .kind = kind, .id = steal(&copy) };
    return ERR_OK;
}

err_t effects_add_event(struct effects *fx, const char *topic, const char *text)
{
    autofree char *copy = mem_strdup(text);
    err_t e;

    if (!copy)
        return ERR_NOMEM;
    if ((e = effects_add(fx, EFFECT_EVENT, topic)))
        return e;
    fx->e[fx->n - 1].text = steal(&copy);
    return ERR_OK;
}

err_t effects_add_shadow(struct effects *fx, const char *thing, const char *name, enum shadow_op op,
                         struct shadow_result *result)
{
    autofree char *shadow_name = mem_strdup(name);
    autofree struct shadow_result *copy = mem_calloc(1, sizeof(*copy));
    err_t e;

    if (!shadow_name || !copy)
        return ERR_NOMEM;
    if ((e = effects_add(fx, EFFECT_PUBLISH, thing)))
        return e;
    *copy = *result;
    *result = (struct shadow_result){ 0 };
    fx->e[fx->n - 1].shadow_op = op;
    fx->e[fx->n - 1].shadow_name = steal(&shadow_name);
    fx->e[fx->n - 1].shadow = steal(&copy);
    return ERR_OK;
}
