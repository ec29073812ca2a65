/* A connection whose rights cannot be asked for any more. */
#include "../../cm.h"

#include "../../net/recorder.h"
#include "base/file.h"
#include "base/mem.h"
#include "cloud/gateway/gateway_impl.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POLICY \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"

struct scene {
    char dir[64];
    struct crypto_ctx *crypto;
    struct cloud_env env;
    struct net_loop *loop;
    struct store *store;
    struct gateway *gw;
    struct recorder client;
    bool done;
};

static struct scene scene;

static int setup(void **state)
{
    struct scene *s = &scene;
    char path[PATH_MAX], why[DB_WHY_MAX];

    (void)state;
    *s = (struct scene){ .dir = "/tmp/sedge-gateway-XXXXXX",
                         .env = { .account = "123456789012", .region = "us-east-1" } };
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(path, sizeof(path), "%s/db", s->dir);
    assert_int_equal(crypto_ctx_new(NULL, &s->crypto), ERR_OK);
    s->env.crypto = s->crypto;
    assert_int_equal(net_loop_new(&s->loop), ERR_OK);
    assert_int_equal(store_new(path, &s->store, why), ERR_OK);
    assert_int_equal(gateway_new(&s->env, s->loop, s->store, &s->gw), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = &scene;

    (void)state;
    rec_done(&s->client);
    gateway_free(s->gw);
    store_free(s->store);
    net_loop_free(s->loop);
    crypto_ctx_free(s->crypto);
    return file_remove_tree(s->dir) ? -1 : 0;
}

static err_t run(struct store_job *job, struct db *db)
{
    static const char *const rows[] = {
        "INSERT INTO certificates (cert_id, pem, status, mode, generation, revision, created_ms, modified_ms,"
        " not_before_ms, not_after_ms) VALUES ('" ID "', '', 'ACTIVE', 'DEFAULT', '', 1, 0, 0, 0, "
        "9000000000000000)",
        "INSERT INTO policies (name, document, version, generation, created_ms, modified_ms) VALUES ('p', "
        "'" POLICY "', 1, '', 0, 0)",
        "INSERT INTO policy_targets VALUES ('p', '" ID "')",
    };
    err_t e = ERR_OK;

    (void)job;
    for (size_t i = 0; i < ARRAY_LEN(rows) && !e; i++)
        e = db_run(db, rows[i], DB_NO_ARGS, NULL);
    return e;
}

static void done(struct store_job *job, err_t result)
{
    (void)job;
    assert_int_equal(result, ERR_OK);
    scene.done = true;
}

/* What the handshake would have told. */
static struct principal *principal(struct gateway *g)
{
    struct principal *p = mem_calloc(1, sizeof(*p));

    assert_non_null(p);
    *p = (struct principal){ .gw = g, .refs = 1, .link = &g->principals, .id = ID };
    assert_null(g->principals);
    g->principals = p;
    return p;
}

static void connect_client(struct scene *s)
{
    struct net_stream *ours = NULL, *theirs = NULL;
    struct broker_peer peer = { principal(s->gw), principal_unref, SLICE_LIT(ID), SLICE_LIT("test") };

    assert_int_equal(net_stream_pair(s->loop, &ours, &theirs), ERR_OK);
    assert_int_equal(broker_accept(gateway_broker(s->gw), theirs, &peer), ERR_OK);
    rec_attach(&s->client, ours);
    assert_int_equal(net_stream_write(ours, SLICE_LIT("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01"
                                                      "c")),
                     ERR_OK);
    assert_true(TURN_UNTIL(s->loop, s->client.got.n == 4, 5000));
    assert_memory_equal(s->client.got.p, "\x20\x02\x00\x00", 4);
}

/* CL-33: at once also when the database takes no more questions. */
static void what_cannot_be_judged_again_ends(void **state)
{
    struct scene *s = &scene;
    struct store_job job = { .run = run, .done = done };

    (void)state;
    assert_int_equal(store_submit(s->store, s->loop, &job), ERR_OK);
    assert_true(TURN_UNTIL(s->loop, s->done, 5000));
    connect_client(s);
    gateway_recheck(s->gw, ID);
    for (int i = 0; i < 10; i++)
        assert_int_equal(net_loop_turn(s->loop, 10), ERR_OK);
    assert_false(s->client.closed); /* nothing has changed */
    store_stop(s->store);
    gateway_recheck(s->gw, "another");
    gateway_recheck(s->gw, ID);
    assert_true(TURN_UNTIL(s->loop, s->client.closed, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_cannot_be_judged_again_ends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
