/* tests/integration/programs/se_drive.c - the host library as told, a line at a time.
 *
 *   se_drive PORT [SCP03]
 * Each command on standard input is answered with one line: "ok [DATA]" or "error CLASS STATUS TEXT", CLASS
 * the number of an err_t. apdu HEX                a command where the handle stands open N KIND ID HEX KEEP
 * session N (0..3): KIND 0 UserID, 1 AES, 2 EC key; KEEP 0 or 1 in N HEX                a command inside
 * session N use N, use -1           all sequences in session N, or in none limit N APDUS SECONDS REFRESH,
 * refresh N, close N generate ID BITS, raw ID HEX, finish MS, drop: a slow command in two steps begin, end,
 * random N, channel, generation, send HEX, receive MS, cancel
 */
#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "se/chip.h"
#include "se/detail.h"
#include "se/session.h"
#include "se/slow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 4, LINE = 8192, ARGS = 6 };

static struct se_chip *chip;
static struct se_session *sessions[SESSIONS];

/* ---- words ---- */

static char *args[ARGS + 1];

static long number(int i)
{
    return args[i] ? strtol(args[i], NULL, 0) : 0;
}

static struct se_session **session(int i)
{
    long n = number(i);

    if (n < 0 || n >= SESSIONS)
        exit(2);
    return &sessions[n];
}

static void get_bytes(int i, struct buf *out)
{
    if (!args[i] || hex_decode(out, slice_str(args[i])))
        exit(2);
}

static void say(err_t e, struct slice data)
{
    autobuf hex = BUF_INIT(2 * LINE);

    if (e)
        printf("error %d %04x %s\n", (int)e, se_last_sw(), se_detail());
    else if (data.n && !hex_encode(&hex, data))
        printf("ok %s\n", buf_str(&hex));
    else
        printf("ok\n");
}

/* ---- commands ---- */

static err_t command(struct slice *ret)
{
    static uint8_t answer[2048];
    autobuf apdu = BUF_INIT(LINE);
    struct slice data;
    err_t e;

    get_bytes(args[2] ? 2 : 1, &apdu);
    e = se_chip_command(chip, buf_slice(&apdu), &data);
    if (e)
        return e;
    memcpy(answer, data.p, data.n);
    *ret = slice_of(answer, data.n);
    return ERR_OK;
}

static void do_apdu(void)
{
    struct slice data = { 0 };
    err_t e = se_chip_begin(chip);

    if (!e) {
        e = command(&data);
        se_chip_end(chip);
    }
    say(e, data);
}

static void do_in(void)
{
    struct slice data = { 0 };
    err_t e = se_session_begin(*session(1));

    if (!e) {
        e = command(&data);
        se_session_end(*session(1));
    }
    say(e, data);
}

static void do_open(void)
{
    autobuf secret = BUF_INIT(64);
    struct se_auth auth = { .kind = (enum se_auth_kind)number(2), .id = (uint32_t)strtoul(args[3], NULL, 0) };

    get_bytes(4, &secret);
    auth.secret = buf_slice(&secret);
    auth.keep = number(5);
    say(se_session_open(chip, &auth, session(1)), (struct slice){ 0 });
}

static void do_use(void)
{
    se_chip_set_session(chip, number(1) < 0 ? NULL : *session(1));
    say(ERR_OK, (struct slice){ 0 });
}

static void do_close(void)
{
    se_session_close(*session(1));
    *session(1) = NULL;
    say(ERR_OK, (struct slice){ 0 });
}

static void do_limit(void)
{
    struct se_session_limits limits = { (uint16_t)number(2), (uint16_t)number(3), number(4) };

    say(se_session_limit(*session(1), &limits), (struct slice){ 0 });
}

static void do_refresh(void)
{
    say(se_session_refresh(*session(1), NULL), (struct slice){ 0 });
}

static void do_begin(void)
{
    say(se_chip_begin(chip), (struct slice){ 0 });
}

static void do_end(void)
{
    se_chip_end(chip);
    say(ERR_OK, (struct slice){ 0 });
}

static void do_random(void)
{
    uint8_t bytes[1024];
    size_t n = (size_t)number(1);

    say(se_chip_random(chip, bytes, n), slice_of(bytes, n));
}

static void do_channel(void)
{
    struct se_channel c = se_chip_channel(chip);

    printf("ok %s %s %s\n", c.on ? "on" : "off", c.published ? "published" : "own", c.keys);
}

static void do_generation(void)
{
    printf("ok %" PRIu64 "\n", se_chip_generation(chip));
}

static void do_send(void)
{
    autobuf apdu = BUF_INIT(LINE);

    get_bytes(1, &apdu);
    say(se_chip_send(chip, buf_slice(&apdu)), (struct slice){ 0 });
}

static void do_receive(void)
{
    struct slice data = { 0 };
    err_t e = se_chip_receive(chip, clock_mono_ms() + number(1), &data);

    if (e == ERR_MORE)
        printf("more\n");
    else
        say(e, data);
}

static void do_cancel(void)
{
    se_chip_cancel(chip);
    say(ERR_OK, (struct slice){ 0 });
}

static struct se_slow *slow;

static void do_generate(void)
{
    say(se_rsa_generate_start(chip, (uint32_t)strtoul(args[1], NULL, 0), (size_t)number(2), NULL, &slow),
        (struct slice){ 0 });
}

static void do_raw(void)
{
    autobuf in = BUF_INIT(LINE);

    get_bytes(2, &in);
    say(se_rsa_private_raw_start(chip, (uint32_t)strtoul(args[1], NULL, 0), buf_slice(&in), &slow),
        (struct slice){ 0 });
}

static void do_finish(void)
{
    autobuf out = BUF_INIT(LINE);
    err_t e = se_slow_finish(slow, clock_mono_ms() + number(1), &out);

    if (e == ERR_MORE) {
        printf("more\n");
        return;
    }
    say(e, buf_slice(&out));
    se_slow_free(slow);
    slow = NULL;
}

static void do_drop(void)
{
    se_slow_free(slow);
    slow = NULL;
    say(ERR_OK, (struct slice){ 0 });
}

static void do_interrupt(void)
{
    se_chip_interrupt(chip);
    say(ERR_OK, (struct slice){ 0 });
}

static void obey(char *line)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } words[] = {
        { "generate", do_generate },
        { "raw", do_raw },
        { "finish", do_finish },
        { "drop", do_drop },
        { "interrupt", do_interrupt },
        { "apdu", do_apdu },
        { "in", do_in },
        { "open", do_open },
        { "use", do_use },
        { "close", do_close },
        { "limit", do_limit },
        { "begin", do_begin },
        { "end", do_end },
        { "refresh", do_refresh },
        { "random", do_random },
        { "channel", do_channel },
        { "generation", do_generation },
        { "send", do_send },
        { "receive", do_receive },
        { "cancel", do_cancel },
    };
    char *save = NULL;

    memset(args, 0, sizeof(args));
    args[0] = strtok_r(line, " \n", &save);
    for (int i = 1; i < ARGS && args[i - 1]; i++)
        args[i] = strtok_r(NULL, " \n", &save);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (args[0] && strcmp(words[i].name, args[0]) == 0) {
            se_detail_clear();
            words[i].run();
            fflush(stdout);
            return;
        }
    }
    exit(2);
}

int main(int argc, char **argv)
{
    struct se_chip_options options = { .port = argc > 1 ? argv[1] : NULL,
                                       .scp03 = argc > 2 ? argv[2] : NULL };
    static char line[2 * LINE];
    err_t e = se_chip_open_options(&options, &chip);

    say(e, (struct slice){ 0 });
    fflush(stdout);
    while (!e && fgets(line, sizeof(line), stdin))
        obey(line);
    for (size_t i = 0; i < SESSIONS; i++)
        se_session_close(sessions[i]);
    se_chip_close(chip);
    return 0;
}
