/* src/edge/route/drops.c */
#include "edge/route/drops.h"

#include "edge/elog.h"

static const struct {
    enum elog_level level;
    const char *text;
} reasons[DROPS] = {
    /* V1's words for the first */
    [DROP_NO_ROUTE] = { ELOG_DEBUG, "Failed to get routes. Discarding message." },
    [DROP_BAD_TOPIC] = { ELOG_WARN,
                         "Discarding message: a topic must have at most 256 bytes of UTF-8, 7 slashes and no "
                         "wildcard, a message at most 128 KB." },
    [DROP_QUEUE_FULL] = { ELOG_WARN,
                          "Discarding message: the work queue is full. The function is slower than its "
                          "messages come, or runtime.maxWorkItemCount in config.json is too small." },
    [DROP_NO_FUNCTION] = { ELOG_WARN,
                           "Discarding message: a subscription names a function that the group does not "
                           "have. "
                           "Add the function in this version or remove the subscription, and deploy again." },
    [DROP_NO_DEVICE] = { ELOG_WARN,
                         "Discarding message: this release of the core delivers to no local devices and "
                         "connectors. Remove the subscription and deploy again." },
    [DROP_FUNCTION] = { ELOG_WARN, "Discarding message: the function cannot be invoked." },
    [DROP_SHADOWS] = { ELOG_WARN, "Discarding message: the local shadow service did not take it." },
    [DROP_SPOOL_FULL] = { ELOG_WARN,
                          "Discarding the oldest message for the cloud: the spooler is full. Is the cloud "
                          "reachable? More room: GG_CONFIG_MAX_SIZE_BYTES of GGCloudSpooler." },
    [DROP_CLOUD_REFUSED] = { ELOG_ERROR,
                             "Discarding message for the cloud: it closes the connection whenever this is "
                             "sent. The certificate's policy must allow iot:Publish for the topic, and "
                             "topics "
                             "that begin with $ are the cloud's own." },
    [DROP_ALL_OR_ERROR] = { ELOG_WARN, "Refusing message: not every target can take it now, and its "
                                       "queueFullPolicy is AllOrError. Its publisher was told." },
    [DROP_NO_MEMORY] = { ELOG_ERROR, "Discarding message: no memory." },
};

const char *drop_str(enum drop why)
{
    return reasons[why].text;
}

static void tell_one(struct drops *d, enum drop why)
{
    elog(reasons[why].level, reasons[why].text, ELOG_N("more", (int64_t)d->of[why].unsaid),
         ELOG_N("total", (int64_t)d->of[why].total));
    d->of[why].unsaid = 0;
}

int64_t drops_tell(struct drops *d, int64_t now_ms)
{
    bool any = false;

    for (int i = 0; i < DROPS; i++)
        any = any || d->of[i].unsaid;
    if (now_ms - d->window_ms < DROPS_WINDOW_MS)
        return any ? d->window_ms + DROPS_WINDOW_MS - now_ms : -1;
    d->window_ms = now_ms;
    for (int i = 0; i < DROPS; i++) {
        d->of[i].said = 0;
        if (d->of[i].unsaid)
            tell_one(d, i);
    }
    return -1;
}

void drops_note(struct drops *d, enum drop why, const char *source, const char *topic, const char *target,
                int64_t now_ms)
{
    (void)drops_tell(d, now_ms); /* a new window, when the old one is over */
    d->of[why].total++;
    if (d->of[why].said >= DROPS_LINES) {
        d->of[why].unsaid++;
        return;
    }
    d->of[why].said++;
    elog(reasons[why].level, reasons[why].text, ELOG_S("source", source), ELOG_S("topic", topic),
         ELOG_S("target", target), ELOG_N("total", (int64_t)d->of[why].total));
}
