#include "vse/faults.h"

#include "base/mem.h"

#include <stdlib.h>

enum unit { TRANSACTION, BLOCK, BYTE };
enum fault { FLIP, LOSE, NACK_READS, NACK_WRITES, STUCK, RESET };

enum { RULES_MAX = 4096, WORDS_MAX = 6, WORD_MAX = 16, ARGUMENT_MAX = 1000000 };

struct rule {
    enum unit unit;
    enum fault fault;
    bool done;
    uint64_t at; /* of its unit, from 1 */
    uint64_t argument;
};

struct vse_faults {
    struct rule *rules;
    size_t n, cap;
    uint64_t count[3]; /* by enum unit: what was acknowledged so far */
    uint64_t reads_to_nack, writes_to_nack;
    bool stuck;
};

/* ---- the script ---- */

static const char *const unit_names[] = { [TRANSACTION] = "transaction", [BLOCK] = "block", [BYTE] = "byte" };

static const struct fault_name {
    const char *name;
    bool has_argument;
    uint64_t least, most_in_byte; /* of the argument */
} fault_names[] = {
    [FLIP] = { "flip", true, 0, 7 },
    [LOSE] = { "lose", true, 0, 0 },
    [NACK_READS] = { "nack-reads", true, 1, ARGUMENT_MAX },
    [NACK_WRITES] = { "nack-writes", true, 1, ARGUMENT_MAX },
    [STUCK] = { "stuck", false, 0, 0 },
    [RESET] = { "reset", false, 0, 0 },
};

static bool number(const char *word, uint64_t least, uint64_t *ret)
{
    char *end;
    unsigned long long v;

    if (word[0] < '0' || word[0] > '9')
        return false;
    v = strtoull(word, &end, 10); /* too short a word to overflow */
    if (*end || v < least)
        return false;
    *ret = v;
    return true;
}

/* Words up to a comment; WORDS_MAX + 1 when there are too many or one is too long. */
static size_t split(struct slice line, char words[WORDS_MAX][WORD_MAX])
{
    size_t n = 0, len = 0;

    for (size_t i = 0; i <= line.n; i++) {
        char c = i < line.n ? (char)line.p[i] : ' ';
        bool space = c == ' ' || c == '\t' || c == '\r' || c == '#';

        if (!space && (n == WORDS_MAX || len == WORD_MAX - 1 || c == 0))
            return WORDS_MAX + 1;
        if (!space) {
            words[n][len++] = c;
        } else if (len) {
            n++; /* the array is all zeros: the word has its end */
            len = 0;
        }
        if (c == '#')
            break;
    }
    return n;
}

static bool parse_fault(char words[WORDS_MAX][WORD_MAX], size_t n, struct rule *r)
{
    for (size_t i = 0; i < ARRAY_LEN(fault_names); i++) {
        const struct fault_name *f = &fault_names[i];

        if (strcmp(words[3], f->name) != 0)
            continue;
        r->fault = (enum fault)i;
        r->argument = 0;
        if (f->has_argument && !number(words[4], f->least, &r->argument))
            return false;
        return n == (f->has_argument ? 5u : 4u) &&
               r->argument <= (r->unit == BYTE ? f->most_in_byte : ARGUMENT_MAX);
    }
    return false;
}

static bool parse_unit(const char *word, struct rule *r)
{
    for (size_t i = 0; i < ARRAY_LEN(unit_names); i++) {
        if (strcmp(word, unit_names[i]) != 0)
            continue;
        r->unit = (enum unit)i;
        return true;
    }
    return false;
}

/* ERR_MORE: nothing on this line. */
static err_t parse_line(struct slice line, struct rule *ret)
{
    char words[WORDS_MAX][WORD_MAX] = { 0 };
    size_t n = split(line, words);

    if (n == 0)
        return ERR_MORE;
    if (n < 4 || n > WORDS_MAX || strcmp(words[0], "at") != 0 || !parse_unit(words[1], ret) ||
        !number(words[2], 1, &ret->at) || !parse_fault(words, n, ret))
        return ERR_INVALID;
    return ERR_OK;
}

static err_t add_rule(struct vse_faults *f, const struct rule *r)
{
    err_t e = mem_grow(&f->rules, &f->cap, f->n + 1, RULES_MAX, sizeof(f->rules[0]));

    if (!e)
        f->rules[f->n++] = *r;
    return e;
}

static struct slice next_line(struct slice *in)
{
    const uint8_t *end = in->n ? memchr(in->p, '\n', in->n) : NULL;
    size_t n = end ? (size_t)(end - in->p) : in->n;
    struct slice line = slice_head(*in, n);

    *in = slice_skip(*in, n + 1);
    return line;
}

err_t vse_faults_parse(struct slice script, struct vse_faults **ret, unsigned *ret_line)
{
    struct vse_faults *f = mem_calloc(1, sizeof(*f));
    err_t e = f ? ERR_OK : ERR_NOMEM;
    unsigned line = 0;

    while (!e && script.n) {
        struct rule r = { 0 };

        line++;
        e = parse_line(next_line(&script), &r);
        e = e == ERR_MORE ? ERR_OK : e ? e : add_rule(f, &r);
    }
    if (e) {
        *ret_line = line;
        vse_faults_free(f);
        return e;
    }
    *ret = f;
    return ERR_OK;
}

void vse_faults_free(struct vse_faults *f)
{
    if (f)
        free(f->rules);
    free(f);
}

/* ---- what happens ---- */

/* A place inside the unit becomes a byte of the bus: blocks are read in several transactions. */
static void place(struct vse_faults *f, struct rule *r)
{
    uint64_t byte = r->fault == FLIP ? r->argument / 8 : r->argument;

    r->at = f->count[BYTE] + 1 + byte;
    r->argument = r->fault == FLIP ? r->argument % 8 : 0;
    r->unit = BYTE;
}

static unsigned trigger(struct vse_faults *f, struct rule *r)
{
    if (r->fault == FLIP || r->fault == LOSE) {
        if (r->unit != BYTE)
            place(f, r);
        return VSE_FAULT_NONE;
    }
    r->done = true;
    if (r->fault == NACK_READS)
        f->reads_to_nack += r->argument;
    else if (r->fault == NACK_WRITES)
        f->writes_to_nack += r->argument;
    else if (r->fault == STUCK)
        f->stuck = true;
    return r->fault == RESET ? VSE_FAULT_RESET : VSE_FAULT_NONE;
}

/* Is this the transaction the rule waits for? */
static bool is_due(const struct vse_faults *f, const struct rule *r, size_t n, bool starts_block)
{
    if (r->done)
        return false;
    if (r->unit == BYTE)
        return r->at > f->count[BYTE] && r->at <= f->count[BYTE] + n;
    if (r->unit == BLOCK && !starts_block)
        return false;
    return r->at == f->count[r->unit] + 1;
}

static unsigned trigger_due(struct vse_faults *f, size_t n, bool starts_block)
{
    unsigned acts = VSE_FAULT_NONE;

    for (size_t i = 0; i < f->n; i++)
        if (is_due(f, &f->rules[i], n, starts_block))
            acts |= trigger(f, &f->rules[i]);
    return acts;
}

/* A burst that is on takes this transaction. */
static bool nacked(uint64_t *left)
{
    if (*left == 0)
        return false;
    --*left;
    return true;
}

static void acknowledge(struct vse_faults *f, bool starts_block)
{
    f->count[TRANSACTION]++;
    f->count[BLOCK] += starts_block;
}

unsigned vse_faults_write(struct vse_faults *f, size_t n)
{
    unsigned acts;

    f->stuck = false;
    acts = trigger_due(f, n, n > 0);
    if (nacked(&f->writes_to_nack))
        return acts | VSE_FAULT_NACK;
    acknowledge(f, n > 0);
    return acts;
}

unsigned vse_faults_read(struct vse_faults *f, size_t n, bool starts_block)
{
    unsigned acts = f->stuck ? VSE_FAULT_NONE : trigger_due(f, n, starts_block);

    if (nacked(&f->reads_to_nack) || f->stuck ||
        (acts & VSE_FAULT_RESET)) /* it has nothing to say any more */
        return acts | VSE_FAULT_NACK;
    acknowledge(f, starts_block);
    return acts;
}

void vse_faults_poll(struct vse_faults *f)
{
    (void)nacked(&f->reads_to_nack);
}

/* A rule for one of these bytes. */
static bool is_for(const struct rule *r, enum fault fault, uint64_t first, size_t n)
{
    return !r->done && r->fault == fault && r->unit == BYTE && r->at >= first && r->at < first + n;
}

static struct rule *last_for(struct vse_faults *f, enum fault fault, uint64_t first, size_t n)
{
    struct rule *last = NULL;

    for (size_t i = 0; i < f->n; i++)
        if (is_for(&f->rules[i], fault, first, n) && (!last || f->rules[i].at > last->at))
            last = &f->rules[i];
    return last;
}

size_t vse_faults_bytes(struct vse_faults *f, uint8_t *bytes, size_t n)
{
    uint64_t first = f->count[BYTE] + 1;
    size_t left = n;
    struct rule *r;

    f->count[BYTE] += n;
    while ((r = last_for(f, FLIP, first, n))) {
        bytes[r->at - first] ^= (uint8_t)(0x80 >> r->argument);
        r->done = true;
    }
    while ((r = last_for(f, LOSE, first, n))) { /* from the end, so that the places stay right */
        size_t at = (size_t)(r->at - first);
        r->done = true;
        if (at < left) /* two rules may lose the same byte */
            memmove(bytes + at, bytes + at + 1, left - at - 1);
        left -= at < left;
    }
    return left;
}
