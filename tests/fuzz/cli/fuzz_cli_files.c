/* The files ssscli keeps and reads: first byte 0 a session, 1 a policy, else a PEM armour. What is accepted
 * must be written and read again as the same. */
#include "cli/ssscli_hash.h"
#include "cli/ssscli_policy.h"
#include "cli/ssscli_session.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void session(struct slice text)
{
    struct cli_session s;

    if (cli_session_parse(text, &s))
        return;
    assert(s.port[0] && strlen(s.port) < sizeof(s.port));
    assert(s.auth == CLI_AUTH_NONE || s.auth_id);
    assert(!s.platform_scp || s.scp_keys[0]);
}

static void policy(struct slice text)
{
    autobuf out = BUF_INIT(1 << 20), set = BUF_INIT(SE_POLICY_SET_MAX);
    struct cli_policy p, again;
    char why[200] = "";

    if (cli_policy_parse(text, &p, why, sizeof(why))) {
        assert(why[0]);
        return;
    }
    assert(p.set.n >= 1 && p.set.n <= SE_POLICY_RULES_MAX);
    if (cli_policy_write(&p, &out))
        return; /* out of memory */
    assert(cli_policy_parse(buf_slice(&out), &again, why, sizeof(why)) == ERR_OK);
    assert(again.kind == p.kind && again.set.n == p.set.n);
    for (size_t i = 0; i < p.set.n; i++)
        assert(again.set.rules[i].auth == p.set.rules[i].auth &&
               again.set.rules[i].rights == p.set.rules[i].rights);
    (void)se_policy_encode(&p.set, &set); /* too long is allowed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data + 1, size - 1);
    autobuf out = BUF_INIT(4096);

    if (size == 0 || size > 65536)
        return 0;
    if (data[0] == 0)
        session(text);
    else if (data[0] == 1)
        policy(text);
    else
        (void)cli_pem_open(text, NULL, &out);
    return 0;
}
