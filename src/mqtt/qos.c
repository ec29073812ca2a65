#include "mqtt/qos.h"

#include "base/mem.h"

/* MQTT 3.1.1 and 5.0 §4.3. A redelivered PUBLISH (DUP) of the receiver's side and a repeated PUBREL are legal
 * and leave the state where the answer is due again. */
static const struct {
    enum mqtt_qos_state from;
    enum mqtt_qos_event ev;
    enum mqtt_qos_state to;
} transitions[] = {
    { MQTT_QOS_IDLE, MQTT_EV_TX_PUBLISH1, MQTT_QOS_WAIT_PUBACK },
    { MQTT_QOS_WAIT_PUBACK, MQTT_EV_TX_PUBLISH1, MQTT_QOS_WAIT_PUBACK },
    { MQTT_QOS_WAIT_PUBACK, MQTT_EV_RX_PUBACK, MQTT_QOS_IDLE },
    { MQTT_QOS_IDLE, MQTT_EV_TX_PUBLISH2, MQTT_QOS_WAIT_PUBREC },
    { MQTT_QOS_WAIT_PUBREC, MQTT_EV_TX_PUBLISH2, MQTT_QOS_WAIT_PUBREC },
    { MQTT_QOS_WAIT_PUBREC, MQTT_EV_RX_PUBREC, MQTT_QOS_WAIT_PUBCOMP },
    { MQTT_QOS_WAIT_PUBCOMP, MQTT_EV_RX_PUBREC, MQTT_QOS_WAIT_PUBCOMP },
    { MQTT_QOS_WAIT_PUBCOMP, MQTT_EV_TX_PUBREL, MQTT_QOS_WAIT_PUBCOMP },
    { MQTT_QOS_WAIT_PUBCOMP, MQTT_EV_RX_PUBCOMP, MQTT_QOS_IDLE },
    { MQTT_QOS_IDLE, MQTT_EV_RX_PUBLISH1, MQTT_QOS_OWE_PUBACK },
    { MQTT_QOS_OWE_PUBACK, MQTT_EV_RX_PUBLISH1, MQTT_QOS_OWE_PUBACK },
    { MQTT_QOS_OWE_PUBACK, MQTT_EV_TX_PUBACK, MQTT_QOS_IDLE },
    { MQTT_QOS_IDLE, MQTT_EV_RX_PUBLISH2, MQTT_QOS_OWE_PUBREC },
    { MQTT_QOS_OWE_PUBREC, MQTT_EV_RX_PUBLISH2, MQTT_QOS_OWE_PUBREC },
    { MQTT_QOS_OWE_PUBREC, MQTT_EV_TX_PUBREC, MQTT_QOS_WAIT_PUBREL },
    { MQTT_QOS_WAIT_PUBREL, MQTT_EV_RX_PUBLISH2, MQTT_QOS_OWE_PUBREC },
    { MQTT_QOS_WAIT_PUBREL, MQTT_EV_RX_PUBREL, MQTT_QOS_OWE_PUBCOMP },
    { MQTT_QOS_OWE_PUBCOMP, MQTT_EV_RX_PUBREL, MQTT_QOS_OWE_PUBCOMP },
    { MQTT_QOS_OWE_PUBCOMP, MQTT_EV_TX_PUBCOMP, MQTT_QOS_IDLE },
};

err_t mqtt_qos_next(enum mqtt_qos_state from, enum mqtt_qos_event ev, enum mqtt_qos_state *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(transitions); i++) {
        if (transitions[i].from == from && transitions[i].ev == ev) {
            *ret = transitions[i].to;
            return ERR_OK;
        }
    }
    return ERR_PROTO;
}

void mqtt_window_init(struct mqtt_window *w, uint16_t max)
{
    *w = (struct mqtt_window){ .max = max };
}

void mqtt_window_done(struct mqtt_window *w)
{
    free(w->slots);
    *w = (struct mqtt_window){ 0 };
}

struct mqtt_slot *mqtt_window_find(const struct mqtt_window *w, uint16_t id)
{
    for (size_t i = 0; id && w->used && i < w->room; i++)
        if (w->slots[i].id == id)
            return &w->slots[i];
    return NULL;
}

static err_t free_slot(struct mqtt_window *w, struct mqtt_slot **ret)
{
    size_t i = 0;
    err_t e;

    if (w->used >= w->max)
        return ERR_BUSY;
    while (i < w->room && w->slots[i].id)
        i++;
    e = mem_grow(&w->slots, &w->room, i + 1, w->max, sizeof(*w->slots));
    if (e)
        return e;
    *ret = &w->slots[i];
    return ERR_OK;
}

static void occupy(struct mqtt_window *w, struct mqtt_slot *s, uint16_t id, enum mqtt_qos_state state,
                   void *item)
{
    *s = (struct mqtt_slot){ .id = id, .state = state, .item = item };
    w->used++;
}

err_t mqtt_window_take(struct mqtt_window *w, uint8_t qos, void *item, struct mqtt_slot **ret)
{
    struct mqtt_slot *s;
    err_t e = free_slot(w, &s);

    if (e)
        return e;
    /* Ends: max <= 65535 identifiers exist and at least one slot is free. With all 65535 in use there is
     * none. */
    do {
        w->last_id++;
    } while (!w->last_id || mqtt_window_find(w, w->last_id));
    occupy(w, s, w->last_id, qos == 2 ? MQTT_QOS_WAIT_PUBREC : MQTT_QOS_WAIT_PUBACK, item);
    *ret = s;
    return ERR_OK;
}

static err_t add(struct mqtt_window *w, uint16_t id, enum mqtt_qos_state state, void *item,
                 struct mqtt_slot **ret)
{
    struct mqtt_slot *s;
    err_t e;

    if (mqtt_window_find(w, id))
        return ERR_EXISTS;
    e = free_slot(w, &s);
    if (e)
        return e;
    occupy(w, s, id, state, item);
    *ret = s;
    return ERR_OK;
}

err_t mqtt_window_retake(struct mqtt_window *w, uint16_t id, uint8_t qos, void *item, struct mqtt_slot **ret)
{
    return add(w, id, qos == 2 ? MQTT_QOS_WAIT_PUBREC : MQTT_QOS_WAIT_PUBACK, item, ret);
}

err_t mqtt_window_note(struct mqtt_window *w, uint16_t id, uint8_t qos, void *item, struct mqtt_slot **ret)
{
    return add(w, id, qos == 2 ? MQTT_QOS_OWE_PUBREC : MQTT_QOS_OWE_PUBACK, item, ret);
}

err_t mqtt_window_step(struct mqtt_window *w, struct mqtt_slot *s, enum mqtt_qos_event ev)
{
    enum mqtt_qos_state to;
    err_t e = mqtt_qos_next(s->state, ev, &to);

    if (e)
        return e;
    s->state = to;
    if (to == MQTT_QOS_IDLE) {
        *s = (struct mqtt_slot){ 0 };
        w->used--;
    }
    return ERR_OK;
}
