/* tests/integration/programs/se_endure.c - thousands of operations on a bus with faults, each judged.
 *
 *   se_endure PORT SCP03 OPERATIONS SEED
 * Makes a PCR and a file, then extends, writes, reads, and asks for random numbers, each in a sequence of its
 * own. After every change the chip is read and compared with what a chip that executed each command once
 * holds: a PCR tells twice from once. Prints one line of JSON: operations, failed (with an error), wrong (an
 * answer or a state that cannot be), twice (a command that was executed twice), in_a_row (the most failures
 * one after the other). Exit status 0 when it came to the end.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/tlv.h"
#include "se/apdu.h"
#include "se/chip.h"
#include "se/command.h"
#include "se/crypt.h"
#include "se/detail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PCR = 0x20180001, FILE_ID = 0x20180002, FILE_MAX = 700, TRIES = 8 };

struct totals {
    unsigned operations, failed, wrong, twice, in_a_row, row;
};

static struct se_chip *chip;
static struct se_crypt *crypt;
static struct totals t;
static uint8_t pcr[SE_SHA256], file[FILE_MAX];
static uint64_t seed;

static uint8_t any(void)
{
    seed = seed * 6364136223846793005u +
           1442695040888963407u; /* Knuth: which bytes, not whether they are good */
    return (uint8_t)(seed >> 33);
}

static void fill(uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = any();
}

/* Each is one operation; a failure says why on standard error. */
static err_t judged(err_t e, const char *what)
{
    t.operations++;
    t.row = e ? t.row + 1 : 0;
    t.in_a_row = t.row > t.in_a_row ? t.row : t.in_a_row;
    t.failed += e != ERR_OK;
    if (e)
        (void)fprintf(stderr, "operation %u: %s: %s: %s\n", t.operations, what, err_str(e), se_detail());
    return e;
}

static err_t run(struct se_command *c, struct buf *out, const char *what)
{
    auto_hold *held = NULL;
    struct slice answer = { 0 };
    err_t e = se_hold(chip, &held);

    if (!e)
        e = se_command_run(held, c, what, &answer);
    if (!e && out)
        e = buf_add(out, answer);
    return judged(e, what);
}

/* ---- commands ---- */

static err_t write_pcr(uint8_t tag, struct slice value)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, SE_P1_PCR, SE_P2_DEFAULT, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, PCR);
    tlv_put(&c.w, tag, value);
    return run(&c, NULL, "extending the PCR");
}

static err_t write_file(const uint8_t bytes[FILE_MAX], bool create)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, SE_P1_BINARY, SE_P2_DEFAULT, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, FILE_ID);
    if (create)
        tlv_put_be16(&c.w, SE_TAG_3, FILE_MAX);
    tlv_put(&c.w, SE_TAG_4, slice_of(bytes, FILE_MAX));
    return run(&c, NULL, "writing the file");
}

static err_t read_back(uint32_t id, size_t n, uint8_t *out)
{
    autobuf answer = BUF_INIT(2048);
    struct slice value;
    auto_command c = { 0 };
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    if (id == FILE_ID)
        tlv_put_be16(&c.w, SE_TAG_3, (uint16_t)n);
    e = run(&c, &answer, "reading back");
    if (e)
        return e;
    if (se_answer_only(buf_slice(&answer), SE_TAG_1, &value) || value.n != n) {
        t.wrong++;
        return ERR_PROTO;
    }
    memcpy(out, value.p, n);
    return ERR_OK;
}

/* What the chip holds now, however often the bus has to be asked. */
static void see(uint32_t id, size_t n, uint8_t *out)
{
    for (int i = 0; i < TRIES; i++)
        if (!read_back(id, n, out))
            return;
    (void)fprintf(stderr, "the chip does not come back: %s\n", se_detail());
    exit(1);
}

/* ---- operations ---- */

static void extended(const uint8_t from[SE_SHA256], struct slice by, uint8_t out[SE_SHA256])
{
    struct slice pieces[] = { slice_of(from, SE_SHA256), by };

    if (se_crypt_sha256(crypt, pieces, ARRAY_LEN(pieces), out))
        exit(1);
}

static void op_extend(void)
{
    uint8_t data[16], once[SE_SHA256], twice[SE_SHA256], now[SE_SHA256];
    err_t e;

    fill(data, sizeof(data));
    extended(pcr, SLICE_ARRAY(data), once);
    extended(once, SLICE_ARRAY(data), twice);
    e = write_pcr(SE_TAG_3, SLICE_ARRAY(data));
    see(PCR, sizeof(now), now);
    if (memcmp(now, twice, sizeof(now)) == 0)
        t.twice++;
    else if (memcmp(now, once, sizeof(now)) != 0 && !(e && memcmp(now, pcr, sizeof(now)) == 0))
        t.wrong++;
    memcpy(pcr, now, sizeof(pcr));
}

static void op_write(void)
{
    uint8_t fresh[FILE_MAX], now[FILE_MAX];
    err_t e;

    fill(fresh, sizeof(fresh));
    e = write_file(fresh, false);
    see(FILE_ID, sizeof(now), now);
    if (memcmp(now, fresh, sizeof(now)) != 0 && !(e && memcmp(now, file, sizeof(now)) == 0))
        t.wrong++;
    memcpy(file, now, sizeof(file));
}

static void op_read(void)
{
    uint8_t now[FILE_MAX];

    if (!read_back(FILE_ID, sizeof(now), now) && memcmp(now, file, sizeof(now)) != 0)
        t.wrong++;
}

static void op_random(void)
{
    uint8_t bytes[64] = { 0 };
    static const uint8_t zeros[sizeof(bytes)];

    if (!judged(se_chip_random(chip, bytes, sizeof(bytes)), "random numbers") &&
        memcmp(bytes, zeros, sizeof(bytes)) == 0)
        t.wrong++;
}

int main(int argc, char **argv)
{
    static void (*const ops[])(void) = { op_extend, op_write, op_read, op_random };
    int64_t started = clock_mono_ms();
    unsigned goal;

    if (argc != 5)
        return 2;
    goal = (unsigned)strtoul(argv[3], NULL, 10);
    seed = strtoull(argv[4], NULL, 10);
    crypt = se_crypt_new();
    for (int i = 0; i < TRIES && !chip; i++)
        (void)judged(
            se_chip_open_options(&(struct se_chip_options){ .port = argv[1], .scp03 = argv[2] }, &chip),
            "opening");
    for (int i = 0; i < TRIES && write_pcr(SE_TAG_2, SLICE_ARRAY(pcr)); i++)
        ;
    for (int i = 0; i < TRIES && write_file(file, true); i++)
        ;
    see(PCR, sizeof(pcr), pcr);
    while (t.operations < goal)
        ops[any() % ARRAY_LEN(ops)]();
    printf("{\"operations\": %u, \"failed\": %u, \"wrong\": %u, \"twice\": %u, \"in_a_row\": %u, \"ms\": "
           "%" PRId64 "}\n",
           t.operations, t.failed, t.wrong, t.twice, t.in_a_row, clock_mono_ms() - started);
    se_chip_close(chip);
    se_crypt_free(crypt);
    return 0;
}
