/* What a hostile chip says in a secure channel, and the other foreign bytes of that corner.
 *
 * Input: `which(1)`, then the bytes: 0 an answer inside a channel, 1 the answer to INITIALIZE UPDATE, 2 a key
 * file, 3 and 4 an attested answer of either generation; 5 and up: answers to a session of each kind as in
 * fuzz_se_answer. */
#include "../../unit/se/fake_part.h"
#include "base/mem.h"
#include "base/reader.h"
#include "se/attest_check.h"
#include "se/scp.h"
#include "se/session.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reader input;

static void answer_from_input(struct slice apdu, struct buf *answer)
{
    size_t n = reader_be16(&input);

    n = n > input.rest.n ? input.rest.n : n;
    if (n == 0)
        (void)buf_add(answer, SLICE_LIT("\x69\x85"));
    else
        (void)buf_add(answer, reader_bytes(&input, n > 3000 ? 3000 : n));
}

static void sessions(uint8_t which)
{
    static const uint8_t secret[32] = { 1, 2, 3 };
    static const size_t lengths[] = { [SE_AUTH_USERID] = 8, [SE_AUTH_AES] = 16, [SE_AUTH_ECKEY] = 32 };
    struct se_auth auth = { .kind = which % 3, .id = 1, .keep = true };
    struct se_session *s = NULL;
    struct se_chip *chip = NULL;
    uint8_t out[8];

    auth.secret = slice_of(secret, lengths[auth.kind]);
    if (fake_part_open(answer_from_input, &chip))
        abort();
    if (!se_session_open(chip, &auth, &s) && !se_session_begin(s)) {
        (void)se_chip_random(chip, out, sizeof(out));
        se_session_end(s);
    }
    se_session_close(s);
    se_chip_close(chip);
}

static void channel(struct se_crypt *crypt, struct slice in)
{
    static const uint8_t master[SE_AES_KEY] = { 1 };
    autobuf out = BUF_SECRET(4096);
    struct se_scp s;

    se_scp_init(&s, crypt);
    if (!se_scp_open_master(&s, master) && !se_scp_wrap(&s, SLICE_LIT("\x80\x04\x00\x20\x00"), &out)) {
        buf_clear(&out);
        (void)se_scp_unwrap(&s, in, &out);
    }
    se_scp_close(&s);
}

static void handshake(struct se_crypt *crypt, struct slice in)
{
    struct se_keysets all;
    autobuf out = BUF_SECRET(64);
    struct se_scp s;
    size_t which;

    se_scp_init(&s, crypt);
    if (se_keysets_find("auto", &all) || se_scp_initialize(&s, SE_SCP_PLATFORM_VERSION, &out))
        return;
    memset(s.host, 0, sizeof(s.host));
    buf_clear(&out);
    (void)se_scp_authenticate(&s, all.set, all.n, false, in, &which, &out);
    se_scp_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct se_crypt *crypt = se_crypt_new();
    struct se_attested attested;
    struct se_keyset keys;
    unsigned line;
    uint8_t which;

    input = reader_of(slice_of(data, size));
    which = reader_u8(&input);
    if (which == 0)
        channel(crypt, input.rest);
    else if (which == 1)
        handshake(crypt, input.rest);
    else if (which == 2)
        (void)se_keyset_parse(input.rest, &keys, &line);
    else if (which < 5)
        (void)se_attest_parse(which == 4, input.rest, &attested);
    else
        sessions(which);
    se_crypt_free(crypt);
    return 0;
}
