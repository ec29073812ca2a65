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

void mqtt_ids_done(struct mqtt_ids *set)
{
    free(set->ids);
    *set = (struct mqtt_ids){ 0 };
}

static uint16_t *find(const struct mqtt_ids *set, uint16_t id)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->ids[i] == id)
            return &set->ids[i];
    return NULL;
}

bool mqtt_ids_has(const struct mqtt_ids *set, uint16_t id)
{
    return find(set, id) != NULL;
}

err_t mqtt_ids_add(struct mqtt_ids *set, uint16_t id, size_t max)
{
    err_t e;

    if (find(set, id))
        return ERR_EXISTS;
    if (set->n >= max)
        return ERR_BUSY;
    e = mem_grow(&set->ids, &set->room, set->n + 1, max, sizeof(*set->ids));
    if (!e)
        set->ids[set->n++] = id;
    return e;
}

bool mqtt_ids_remove(struct mqtt_ids *set, uint16_t id)
{
    uint16_t *at = find(set, id);

    if (!at)
        return false;
    *at = set->ids[--set->n];
    if (!set->n)
        mqtt_ids_done(set); /* most clients never have one */
    return true;
}
