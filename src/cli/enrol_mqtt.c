/* sedgectl enrol: one MQTT 3.1.1 connection with the claim certificate, a question at a time. */
#include "base/clock.h"
#include "cli/enrol.h"
#include "crypto/random.h"
#include "mqtt/packet.h"
#include "tls/stream.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 30000
#define ANSWER_MS 60000
#define PACKET_MAX 262144u
#define KEEP_ALIVE_S 300u

struct enrol_mqtt {
    struct enrol *o;
    struct net_loop *loop;
    struct tls_context *tls;
    struct net_stream *stream;
    bool opened, connected, subscribed, answered, closed;
    uint16_t packet_id;
    char *topic; /* asked on; its answers are below */
    json_t *answer;
    bool accepted;
    char client_id[64];
};

static err_t send_packet(struct enrol_mqtt *m, err_t encoded, const struct buf *packet)
{
    return encoded ? encoded : net_stream_write(m->stream, buf_slice(packet));
}

static err_t send_connect(struct enrol_mqtt *m)
{
    autobuf packet = BUF_INIT(PACKET_MAX);
    const struct mqtt_connect p = { .version = MQTT_V311,
                                    .clean = true,
                                    .keep_alive_s = KEEP_ALIVE_S,
                                    .client_id = slice_str(m->client_id) };

    return send_packet(m, mqtt_connect_encode(&packet, &p), &packet);
}

static void on_open(void *ctx)
{
    struct enrol_mqtt *m = ctx;

    m->opened = true;
    if (send_connect(m))
        m->closed = true;
}

/* TOPIC/accepted or TOPIC/rejected. */
static void take_message(struct enrol_mqtt *m, const struct mqtt_publish *p)
{
    struct slice level = p->topic;
    size_t n = m->topic ? strlen(m->topic) : 0;

    if (!n || level.n <= n || memcmp(level.p, m->topic, n) != 0 || m->answer)
        return;
    level = slice_skip(level, n);
    m->accepted = slice_eq(level, SLICE_LIT("/accepted"));
    if (!m->accepted && !slice_eq(level, SLICE_LIT("/rejected")))
        return;
    m->answered = json_parse(p->payload, 8, &m->answer, NULL) == ERR_OK && json_is_object(m->answer);
    m->closed |= !m->answered;
}

static err_t take_packet(struct enrol_mqtt *m, const struct mqtt_frame *f)
{
    struct mqtt_connack connack;
    struct mqtt_publish publish;
    struct mqtt_suback suback;
    err_t e = ERR_OK;

    switch (f->type) {
    case MQTT_CONNACK:
        if (!(e = mqtt_connack_decode(f, MQTT_V311, &connack)))
            m->connected = connack.code == 0;
        break;
    case MQTT_SUBACK:
        if (!(e = mqtt_suback_decode(f, MQTT_V311, &suback)))
            m->subscribed = suback.codes.n == 2 && suback.codes.p[0] < 0x80 && suback.codes.p[1] < 0x80;
        m->closed |= !m->subscribed; /* without the answers there is no point */
        break;
    case MQTT_PUBLISH:
        if (!(e = mqtt_publish_decode(f, MQTT_V311, &publish)))
            take_message(m, &publish);
        break;
    default:
        break; /* PUBACK, PINGRESP */
    }
    return e;
}

static size_t on_read(void *ctx, struct slice in)
{
    struct enrol_mqtt *m = ctx;
    size_t all = in.n;
    struct mqtt_frame f;
    err_t e;

    while (!(e = mqtt_frame_next(&in, PACKET_MAX, &f)) && !(e = take_packet(m, &f)))
        ;
    if (e != ERR_MORE)
        m->closed = true;
    return all - in.n;
}

static void on_close(void *ctx, err_t why)
{
    struct enrol_mqtt *m = ctx;

    (void)why;
    m->closed = true;
}

static const struct net_handler handler = { .on_open = on_open, .on_read = on_read, .on_close = on_close };

/* Run until *what is there. */
static err_t wait_for(struct enrol_mqtt *m, const bool *what, int64_t most_ms)
{
    int64_t end = clock_mono_ms() + most_ms, left;

    while (!m->closed && !*what) {
        if ((left = end - clock_mono_ms()) <= 0)
            return ERR_TIMEOUT;
        if (net_loop_turn(m->loop, (int)(left < INT_MAX ? left : INT_MAX)))
            return ERR_IO;
    }
    return *what ? ERR_OK : ERR_DENIED;
}

static err_t make_tls(struct enrol *o, struct tls_context **ret)
{
    auto_x509 X509 *cert = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    autofree char *path = realpath(o->claim_key, NULL);
    autofree char *uri = path ? mem_printf("file://%s", path) : NULL;
    struct crypto_error why = { .text = "" };
    err_t e;

    if (!uri)
        return ENROL_FAIL(o, ERR_NOT_FOUND, "%s cannot be read (--claim-key)", o->claim_key);
    if ((e = crypto_cert_load(o->crypto, o->claim_cert, &cert, &why)) ||
        (e = crypto_key_load(o->crypto, uri, NULL, &key, &why)))
        return ENROL_FAIL(o, e, "%.1000s", why.text);
    const struct tls_client_opts opts = { .ca_file = o->ca_file, .cert = cert, .key = key };
    if ((e = tls_client_context_new(&opts, ret, &why)))
        return ENROL_FAIL(o, e, "%.1000s", why.text);
    return ERR_OK;
}

static err_t name_client(struct enrol_mqtt *m)
{
    char uuid[CRYPTO_UUID_MAX];
    err_t e = crypto_random_uuid(m->o->crypto, uuid);

    (void)snprintf(m->client_id, sizeof(m->client_id), "enrol-%s", e ? "" : uuid);
    return e;
}

static err_t not_connected(struct enrol_mqtt *m, err_t e)
{
    const char *why = m->stream ? net_stream_why(m->stream) : "";

    if (m->opened && e == ERR_DENIED)
        why = "the cloud ended it: is the claim certificate active, does a policy of its allow iot:Connect?";
    else if (!why[0])
        why = err_str(e);
    return ENROL_FAIL(m->o, e, "no MQTT connection to %s:%u with %s: %s", m->o->host, m->o->mqtt_port,
                      m->o->claim_cert, why);
}

err_t enrol_mqtt_open(struct enrol *o, struct enrol_mqtt **ret)
{
    struct enrol_mqtt *m = mem_calloc(1, sizeof(*m));
    err_t e;

    if (!m)
        return ERR_NOMEM;
    m->o = o;
    if (!(e = name_client(m)) && !(e = make_tls(o, &m->tls)) && !(e = net_loop_new(&m->loop))) {
        e = tls_connect(m->loop, m->tls, o->host, m->o->mqtt_port, CONNECT_MS, &m->stream);
        if (!e) {
            net_stream_set_handler(m->stream, &handler, m);
            e = wait_for(m, &m->connected, CONNECT_MS);
        }
        if (e)
            e = not_connected(m, e);
    }
    if (e) {
        enrol_mqtt_close(m);
        return e;
    }
    *ret = m;
    return ERR_OK;
}

void enrol_mqtt_close(struct enrol_mqtt *m)
{
    if (!m)
        return;
    net_stream_free(m->stream);
    net_loop_free(m->loop);
    tls_context_free(m->tls);
    json_decref(m->answer);
    free(m->topic);
    free(m);
}

static err_t subscribe(struct enrol_mqtt *m)
{
    autofree char *accepted = mem_printf("%s/accepted", m->topic),
                  *rejected = mem_printf("%s/rejected", m->topic);
    autobuf packet = BUF_INIT(PACKET_MAX);
    const struct mqtt_props none = { 0 };
    err_t e;

    if (!accepted || !rejected)
        return ERR_NOMEM;
    const struct mqtt_subscription subs[] = { { .filter = slice_str(accepted), .qos = 1 },
                                              { .filter = slice_str(rejected), .qos = 1 } };
    m->subscribed = false;
    e = send_packet(m, mqtt_subscribe_encode(&packet, MQTT_V311, ++m->packet_id, &none, subs, 2), &packet);
    return e ? e : wait_for(m, &m->subscribed, ANSWER_MS);
}

static err_t publish(struct enrol_mqtt *m, const json_t *message)
{
    autobuf text = BUF_INIT(PACKET_MAX), packet = BUF_INIT(PACKET_MAX);
    err_t e = json_write(&text, message, 0);

    if (e)
        return e;
    const struct mqtt_publish p = {
        .qos = 1, .packet_id = ++m->packet_id, .topic = slice_str(m->topic), .payload = buf_slice(&text)
    };
    return send_packet(m, mqtt_publish_encode(&packet, MQTT_V311, &p), &packet);
}

err_t enrol_mqtt_ask(struct enrol_mqtt *m, const char *topic, const json_t *message, bool *ret_accepted,
                     json_t **ret)
{
    err_t e = ERR_NOMEM;

    free(m->topic);
    json_decref(m->answer);
    m->answer = NULL;
    m->answered = false;
    if ((m->topic = mem_printf("%s/json", topic)) && !(e = subscribe(m)) && !(e = publish(m, message)))
        e = wait_for(m, &m->answered, ANSWER_MS);
    if (e)
        return ENROL_FAIL(m->o, e, "no answer on %s: %s", topic,
                          e == ERR_DENIED
                              ? "the cloud ended the connection: does a policy of the claim "
                                "certificate allow iot:Publish, iot:Subscribe and iot:Receive there?"
                              : err_str(e));
    *ret_accepted = m->accepted;
    *ret = steal(&m->answer);
    return ERR_OK;
}
