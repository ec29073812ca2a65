#include "vse/options.h"

#include "base/mem.h"
#include "vse/times.h"

#include <errno.h>
#include <getopt.h>

const char vse_options_usage[] =
    "Usage: sedge-chip serve --state FILE --socket PATH [OPTIONS]\n"
    "       sedge-chip dump FILE\n"
    "       sedge-chip ca FILE\n"
    "       sedge-chip --help | --version\n"
    "\n"
    "A virtual SE050 secure element: its I2C bus is a Unix socket, its memory a file.\n"
    "It is for development and protects nothing: the state file holds the keys.\n"
    "\n"
    "  --state FILE     the chip's memory; made when missing, mode 0600\n"
    "  --socket PATH    where bus masters connect, mode 0600\n"
    "  --tcp HOST:PORT  another place to connect; HOST is a loopback address\n"
    "  --applet V       applet version to be: 3.1 (default) or 7.2\n"
    "  --variant L      with 3.1: SE050 A (no RSA), B (no elliptic curves) or C (default)\n"
    "  --factory F      keys and certificates it is made with: ec (default), or full: RSA, too\n"
    "  --scp-keys K     platform SCP03 keys: a part's name (A921), or a file (default: the applet's)\n"
    "  --sign-ms N      add N milliseconds to every private-key operation (default 0)\n"
    "  --bus-khz N      clock of the bus, for the time it accounts (default 400)\n"
    "  --realtime       take the time that is accounted\n"
    "  --counters FILE  keep operations, virtual time and bytes in FILE\n"
    "  --trace FILE     write every block and command in words to FILE, or to - (standard output)\n"
    "  --faults FILE    disturb the bus as the script FILE says\n"
    "  --cut-storage N  cut the power after the N-th byte written to the state\n"
    "  --cut-bus N      cut the power after the N-th byte on the bus\n";

enum { SIGN_MS_MAX = 600000 };

struct parse {
    struct vse_options o;
    const char *applet;
    char variant; /* 0: the default */
};

/* ---- values ---- */

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno || text[0] < '0' || text[0] > '9' || *end || v < least || v > most)
        return false;
    *ret = v;
    return true;
}

static bool set_variant(struct parse *p, const char *value)
{
    if (strlen(value) != 1)
        return false;
    p->variant = value[0];
    return true;
}

static bool set_factory(struct parse *p, const char *value)
{
    p->o.full_factory = strcmp(value, "full") == 0;
    return p->o.full_factory || strcmp(value, "ec") == 0;
}

static bool set_sign_ms(struct parse *p, const char *value)
{
    uint64_t v;

    if (!parse_number(value, 0, SIGN_MS_MAX, &v))
        return false;
    p->o.sign_ms = (unsigned)v;
    return true;
}

static bool set_bus_khz(struct parse *p, const char *value)
{
    uint64_t v;

    if (!parse_number(value, 1, VSE_BUS_KHZ_MAX, &v))
        return false;
    p->o.bus_khz = (unsigned)v;
    return true;
}

static bool set_realtime(struct parse *p, const char *value)
{
    (void)value;
    p->o.realtime = true;
    return true;
}

static bool set_cut_storage(struct parse *p, const char *value)
{
    return parse_number(value, 1, INT64_MAX, &p->o.cut_storage);
}

static bool set_cut_bus(struct parse *p, const char *value)
{
    return parse_number(value, 1, INT64_MAX, &p->o.cut_bus);
}

/* ---- the table ---- */

static const struct row {
    const char *name;
    size_t text; /* offset of a const char * in struct parse, when there is no setter */
    bool (*set)(struct parse *p, const char *value);
    const char *wrong; /* what a setter wants */
} rows[] = {
    { "state", offsetof(struct parse, o.state), NULL, NULL },
    { "socket", offsetof(struct parse, o.socket), NULL, NULL },
    { "tcp", offsetof(struct parse, o.tcp), NULL, NULL },
    { "counters", offsetof(struct parse, o.counters), NULL, NULL },
    { "faults", offsetof(struct parse, o.faults), NULL, NULL },
    { "trace", offsetof(struct parse, o.trace), NULL, NULL },
    { "scp-keys", offsetof(struct parse, o.scp_keys), NULL, NULL },
    { "applet", offsetof(struct parse, applet), NULL, NULL },
    { "variant", 0, set_variant, "--variant wants A, B or C" },
    { "factory", 0, set_factory, "--factory wants ec or full" },
    { "sign-ms", 0, set_sign_ms, "--sign-ms wants a number up to 600000" },
    { "bus-khz", 0, set_bus_khz, "--bus-khz wants a number from 1 to 3400" },
    { "realtime", 0, set_realtime, NULL },
    { "cut-storage", 0, set_cut_storage, "--cut-storage wants a number from 1" },
    { "cut-bus", 0, set_cut_bus, "--cut-bus wants a number from 1" },
};

static const char *set_row(struct parse *p, const struct row *row, const char *value)
{
    if (row->set)
        return row->set(p, value) ? NULL : row->wrong;
    memcpy((char *)p + row->text, &value, sizeof(value));
    return NULL;
}

static const char *check(struct parse *p)
{
    p->o.part = vse_personality_find(p->applet, p->variant);
    if (!p->o.part)
        return "--applet wants 3.1 or 7.2, --variant A, B or C with 3.1";
    return p->o.state && p->o.socket ? NULL : "serve wants --state FILE and --socket PATH";
}

const char *vse_options_parse(int argc, char **argv, struct vse_options *ret)
{
    struct parse p = { .o = { .bus_khz = VSE_BUS_KHZ }, .applet = "3.1" };
    struct option names[ARRAY_LEN(rows) + 1] = { 0 };
    const char *wrong = NULL;
    int which;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        names[i] =
            (struct option){ rows[i].name, rows[i].set == set_realtime ? no_argument : required_argument,
                             NULL, (int)i };
    opterr = 0;
    while (!wrong && (which = getopt_long(argc, argv, "", names, NULL)) != -1)
        wrong = which == '?' ? "unknown option or missing value" : set_row(&p, &rows[which], optarg);
    if (!wrong && optind < argc)
        wrong = "serve takes options only";
    if (!wrong)
        wrong = check(&p);
    if (!wrong)
        *ret = p.o;
    return wrong;
}
