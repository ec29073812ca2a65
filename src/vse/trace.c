#include "vse/trace.h"

#include "base/crc.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/tlv.h"
#include "se/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

struct vse_trace {
    int fd;
};

struct name {
    unsigned value;
    const char *name;
};

static const char *name_of(const struct name *names, size_t n, unsigned value, const char *otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].value == value)
            return names[i].name;
    return otherwise;
}

/* ---- blocks ---- */

static const struct name r_errors[] = {
    { SE_R_ACK, "acknowledge" },
    { SE_R_CRC, "error: CRC" },
    { SE_R_OTHER, "error: other" },
    { SE_R_SOF, "error: start of frame missed" },
};

static const struct name s_codes[] = {
    { SE_S_RESYNC, "RESYNC" },
    { SE_S_IFS, "IFS" },
    { SE_S_ABORT, "ABORT" },
    { SE_S_WTX, "WTX" },
    { SE_S_END_SESSION, "END OF APDU SESSION" },
    { SE_S_CHIP_RESET, "CHIP RESET" },
    { SE_S_GET_ATR, "GET ATR" },
    { SE_S_SOFT_RESET, "INTERFACE SOFT RESET" },
    { SE_S_DEEP_POWER_DOWN, "DEEP POWER DOWN" },
};

static err_t i_text(uint8_t pcb, size_t n, struct buf *out)
{
    return buf_printf(out, "I N(S)=%d%s, %zu bytes", (pcb & SE_PCB_I_NS) != 0,
                      pcb & SE_PCB_I_MORE ? " more" : "", n);
}

static err_t r_text(uint8_t pcb, struct buf *out)
{
    return buf_printf(out, "R N(R)=%d %s", (pcb & SE_PCB_R_NR) != 0,
                      name_of(r_errors, ARRAY_LEN(r_errors), pcb & SE_PCB_R_ERROR, ""));
}

static err_t s_text(uint8_t pcb, struct slice inf, struct buf *out)
{
    unsigned code = pcb & SE_PCB_S_CODE;
    bool response = (pcb & SE_PCB_S_RESPONSE) == SE_PCB_S_RESPONSE;
    err_t e = buf_printf(out, "S %s %s", name_of(s_codes, ARRAY_LEN(s_codes), code, "unknown code"),
                         response ? "response" : "request");

    if (!e && inf.n == 1)
        e = buf_printf(out, " %02x", inf.p[0]);
    else if (!e && inf.n)
        e = buf_printf(out, ", %zu bytes", inf.n);
    return e;
}

/* NULL, or why these bytes are no block. */
static const char *block_fault(struct slice b)
{
    uint16_t crc;

    if (b.n == 0)
        return "nothing: is anybody there?";
    if (b.p[0] != SE_T1_NAD_HOST && b.p[0] != SE_T1_NAD_SE)
        return "noise";
    if (b.n < SE_T1_BLOCK_MIN || b.n != (size_t)b.p[2] + SE_T1_BLOCK_MIN)
        return "a block of the wrong length";
    crc = crc16_x25(slice_head(b, b.n - SE_T1_CRC));
    if (b.p[b.n - 2] != (uint8_t)crc || b.p[b.n - 1] != (uint8_t)(crc >> 8))
        return "a block with a wrong CRC";
    return NULL;
}

err_t vse_trace_block_text(struct slice block, struct buf *out)
{
    const char *fault = block_fault(block);
    struct slice inf;
    uint8_t pcb;

    if (fault)
        return buf_printf(out, "%s, %zu bytes", fault, block.n);
    pcb = block.p[1];
    inf = slice_of(block.p + SE_T1_HEADER, block.n - SE_T1_BLOCK_MIN);
    if (!(pcb & SE_PCB_R))
        return i_text(pcb, inf.n, out);
    if ((pcb & SE_PCB_R_MASK) == SE_PCB_R)
        return r_text(pcb, out);
    if ((pcb & SE_PCB_S_REQUEST) == SE_PCB_S_REQUEST)
        return s_text(pcb, inf, out);
    return buf_printf(out, "unknown block %02x, %zu bytes", pcb, inf.n);
}

/* ---- commands ---- */

static const struct name status_words[] = {
    { SE_SW_OK, "success" },
    { SE_SW_THROUGHPUT, "APDU throughput limit" },
    { SE_SW_WRONG_LENGTH, "wrong length" },
    { SE_SW_SECURITY_STATUS, "security status not satisfied" },
    { SE_SW_AUTH_BLOCKED, "authentication blocked" },
    { SE_SW_DATA_INVALID, "data invalid" },
    { SE_SW_CONDITIONS, "conditions not satisfied" },
    { SE_SW_COMMAND_NOT_ALLOWED, "command not allowed" },
    { SE_SW_WRONG_DATA, "wrong data" },
    { SE_SW_FILE_NOT_FOUND, "file not found" },
    { SE_SW_NO_MEMORY, "not enough memory" },
    { SE_SW_WRONG_P1P2, "wrong P1 or P2" },
    { SE_SW_INS_NOT_SUPPORTED, "instruction not supported" },
    { SE_SW_CLA_NOT_SUPPORTED, "class not supported" },
};

static const struct name tags[] = {
    { SE_TAG_SESSION_ID, "session" },
    { SE_TAG_POLICY, "policy" },
    { SE_TAG_MAX_ATTEMPTS, "max-attempts" },
    { SE_TAG_IMPORT_AUTH_DATA, "auth-data" },
    { SE_TAG_IMPORT_AUTH_KEY_ID, "auth-key" },
    { SE_TAG_POLICY_CHECK, "policy-check" },
    { SE_TAG_1, "T1" },
    { SE_TAG_2, "T2" },
    { SE_TAG_3, "T3" },
    { SE_TAG_4, "T4" },
    { SE_TAG_5, "T5" },
    { SE_TAG_6, "T6" },
    { SE_TAG_7, "T7" },
    { SE_TAG_8, "T8" },
    { SE_TAG_9, "T9" },
    { SE_TAG_10, "T10" },
    { SE_TAG_11, "T11" },
};

enum { T1 = 1, T2 = 2, ANY = 0x100, OBJECT_ID = 4, SHORT_MAX = 2 };

/* Commands whose T1 or T2 is data, and so hidden. Everywhere else T1 is an id, a size or a mode, T2 a
 * number of one or two bytes. */
static const struct {
    uint16_t ins, p1, p2;
    uint8_t hidden;
} data_commands[] = {
    { SE_INS_MGMT, ANY, SE_P2_SESSION_USERID, T1 }, /* the PIN */
    { SE_INS_MGMT, ANY, SE_P2_SESSION_POLICY, T1 },
    { SE_INS_PROCESS, ANY, ANY, T1 }, /* a whole command */
    { SE_INS_IMPORT_EXTERNAL, ANY, ANY, T1 },
    { SE_INS_CRYPTO, SE_P1_MAC, SE_P2_UPDATE, T1 }, /* the message */
    { SE_INS_CRYPTO, SE_P1_MAC, SE_P2_FINAL, T1 },
    { SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_ONESHOT, T2 },          /* the message */
    { SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_PBKDF2, T2 },           /* the salt */
    { SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_AUTH_FIRST_PART2, T1 }, /* DESFire authentication */
    { SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_AUTH_NONFIRST_PART2, T1 },
    { SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_CHANGE_KEY_PART2, T1 },
    { SE_INS_WRITE, SE_P1_USERID, ANY, T2 },          /* the PIN */
    { SE_INS_CRYPTO, SE_P1_DEFAULT, SE_P2_I2CM, T1 }, /* what goes to other parts */
};

static unsigned hidden_tags(const struct vse_apdu *a)
{
    uint8_t ins = a->ins & SE_INS_MASK, p1 = a->p1 & SE_P1_TYPE_MASK;

    for (size_t i = 0; i < ARRAY_LEN(data_commands); i++)
        if (data_commands[i].ins == ins && (data_commands[i].p1 == ANY || data_commands[i].p1 == p1) &&
            (data_commands[i].p2 == ANY || data_commands[i].p2 == a->p2))
            return data_commands[i].hidden;
    return 0;
}

static bool may_be_shown(const struct vse_apdu *a, uint8_t tag, size_t n)
{
    unsigned hidden = hidden_tags(a);

    if (tag == SE_TAG_1)
        return !(hidden & T1) && (n <= SHORT_MAX || n == OBJECT_ID);
    return tag == SE_TAG_2 && !(hidden & T2) && n <= SHORT_MAX;
}

static err_t tlv_text(const struct vse_apdu *a, uint8_t tag, struct slice value, struct buf *out)
{
    const char *name = name_of(tags, ARRAY_LEN(tags), tag, NULL);
    err_t e = name ? buf_printf(out, " %s", name) : buf_printf(out, " %02x", tag);

    if (e)
        return e;
    if (!may_be_shown(a, tag, value.n))
        return buf_printf(out, "[%zu]", value.n);
    e = buf_add_str(out, "=");
    return e ? e : hex_encode(out, value);
}

/* As far as they are TLVs; what is not is a length. */
static err_t data_text(const struct vse_apdu *a, struct buf *out)
{
    struct slice rest = a->data;
    err_t e = ERR_OK;

    while (!e && rest.n) {
        struct tlv t;

        if (tlv_next(&rest, &t) != ERR_OK)
            return buf_printf(out, " [%zu]", rest.n);
        e = tlv_text(a, t.tag, t.value, out);
    }
    return e;
}

/* Commands that answer yes, no or what kind: nothing to hide. */
static bool answers_a_word(const struct vse_apdu *a)
{
    uint8_t ins = a->ins & SE_INS_MASK;

    return (ins == SE_INS_MGMT && a->p2 == SE_P2_EXIST) || (ins == SE_INS_READ && a->p2 == SE_P2_TYPE) ||
           (ins == SE_INS_CRYPTO && (a->p1 & SE_P1_TYPE_MASK) == SE_P1_SIGNATURE && a->p2 == SE_P2_VERIFY);
}

static err_t answer_text(const struct vse_apdu *a, struct slice answer, uint16_t sw, struct buf *out)
{
    err_t e =
        buf_printf(out, " -> %04X %s", sw, name_of(status_words, ARRAY_LEN(status_words), sw, "unknown"));

    if (e || answer.n == 0)
        return e;
    if (!answers_a_word(a))
        return buf_printf(out, ", %zu bytes", answer.n);
    e = buf_add_str(out, ", ");
    return e ? e : hex_encode(out, answer);
}

err_t vse_trace_command_text(const char *name, const struct vse_apdu *apdu, struct slice answer, uint16_t sw,
                             struct buf *out)
{
    bool tlvs = name && apdu->cla != SE_CLA_ISO && apdu->ins != SE_INS_INITIALIZE_UPDATE &&
                apdu->ins != SE_INS_EXTERNAL_AUTHENTICATE && apdu->ins != SE_INS_INTERNAL_AUTHENTICATE;
    err_t e = name ? buf_add_str(out, name)
                   : buf_printf(out, "unknown command %02x %02x %02x %02x", apdu->cla, apdu->ins, apdu->p1,
                                apdu->p2);

    if (!e && tlvs)
        e = data_text(apdu, out);
    else if (!e && apdu->data.n)
        e = buf_printf(out, " [%zu]", apdu->data.n);
    return e ? e : answer_text(apdu, answer, sw, out);
}

/* ---- the file ---- */

err_t vse_trace_open(const char *path, struct vse_trace **ret)
{
    autofree struct vse_trace *t = mem_calloc(1, sizeof(*t));

    if (!t)
        return ERR_NOMEM;
    t->fd = strcmp(path, "-") == 0
                ? STDOUT_FILENO
                : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (t->fd < 0)
        return file_err(errno);
    *ret = steal(&t);
    return ERR_OK;
}

void vse_trace_close(struct vse_trace *t)
{
    if (!t)
        return;
    if (t->fd != STDOUT_FILENO)
        (void)close(t->fd);
    free(t);
}

/* One write a line: threads do not mix. A trace that cannot be written does not stop the part. */
static void put_line(const struct vse_trace *t, struct buf *line, err_t e)
{
    if (e)
        buf_clear(line);
    if (!e && buf_add_str(line, "\n") == ERR_OK)
        (void)file_write_all(t->fd, buf_slice(line));
}

void vse_trace_block(struct vse_trace *t, uint64_t at_us, enum vse_trace_direction direction,
                     struct slice block)
{
    autobuf line = BUF_INIT(LINE_MAX_BYTES);
    err_t e = buf_printf(&line, "%10" PRIu64 " us %c ", at_us, direction == VSE_TRACE_FROM_HOST ? '>' : '<');

    if (!e)
        e = vse_trace_block_text(block, &line);
    put_line(t, &line, e);
}

void vse_trace_command(struct vse_trace *t, const char *name, const struct vse_apdu *apdu,
                       struct slice answer, uint16_t sw)
{
    autobuf line = BUF_INIT(LINE_MAX_BYTES);
    err_t e = buf_printf(&line, "%13s = ", "");

    if (!e)
        e = vse_trace_command_text(name, apdu, answer, sw, &line);
    put_line(t, &line, e);
}

void vse_trace_note(struct vse_trace *t, uint64_t at_us, const char *text)
{
    autobuf line = BUF_INIT(LINE_MAX_BYTES);

    put_line(t, &line, buf_printf(&line, "%10" PRIu64 " us ! %s", at_us, text));
}
