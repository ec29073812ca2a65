#include "cloud/events/publish.h"

#include "base/log.h"

void events_publish(struct broker *b, const char *topic, const char *json)
{
    struct broker_message m = { .topic = slice_str(topic), .payload = slice_str(json), .qos = 1 };
    char name[LOG_ESC_MAX];
    err_t e = broker_publish(b, &m);

    if (e && e != ERR_MORE)
        log_error("event on %s not published: %s", log_esc(name, slice_str(topic)), err_str(e));
}
