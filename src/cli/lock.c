/* sedgectl lock: options, what it says and asks. */
#include "cli/lock.h"

#include "se/curve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char usage[] =
    "usage: sedgectl lock KEYID --generate CURVE|BITS | --import FILE [OPTION...]\n"
    "       sedgectl lock KEYID\n"
    "\n"
    "Makes a key that can only sign and that nobody can ever overwrite or delete, in the chip or from a "
    "file. What a\n"
    "key may do is fixed when it is made: one that is there already is told whether it is locked, and can be "
    "locked\n"
    "only by importing it anew from its file.\n"
    "\n"
    "  --generate WHAT       a curve (NIST_P256, ED_25519, ...) or RSA bits (2048, ...)\n"
    "  --import FILE         a private key; where the same key is in the chip it is replaced by its locked "
    "self\n"
    "  --auth-id ID[,ID...]  only who authenticates to one of these objects signs; default: everybody who "
    "has the bus.\n"
    "                        The PIN of the PKCS#11 token is 7B503111,7B503112\n"
    "  --rehearse            do it on a virtual copy only, and try there whatever could harm the key\n"
    "  --yes                 do not ask\n"
    "  --keep-factory-reset  do not give DeleteAll away: who has, or makes, its credential can erase the "
    "key\n"
    "  --port PORT           where the chip is (default: EX_SSS_BOOT_SSS_PORT, or as configured)\n";

static int wrong(const char *word, const char *what)
{
    (void)fprintf(stderr, "sedgectl lock: %s %s\n%s", word, what, usage);
    return 2;
}

static int take_word(struct lock *l, const char *word, const char **id)
{
    const struct {
        const char *name;
        bool *to;
    } flags[] = { { "--yes", &l->yes },
                  { "--rehearse", &l->rehearse },
                  { "--keep-factory-reset", &l->keep_reset } };

    for (size_t k = 0; k < ARRAY_LEN(flags); k++)
        if (strcmp(flags[k].name, word) == 0) {
            *flags[k].to = true;
            return 0;
        }
    if (word[0] == '-' || *id)
        return wrong(word, "is not understood");
    *id = word;
    return 0;
}

/* ID[,ID...] */
static int take_auths(struct lock *l, const char *list)
{
    char word[16];

    while (list && *list) {
        size_t n = strcspn(list, ",");

        if (n >= sizeof(word) || l->auths == LOCK_AUTHS_MAX)
            return wrong("--auth-id", "takes up to four object ids");
        memcpy(word, list, n);
        word[n] = '\0';
        if (cli_key_id(word, &l->auth[l->auths++]))
            return wrong(word, "is not an object id (1 to 8 hex digits, not 0)");
        list += n + (list[n] == ',');
    }
    return 0;
}

static int parse(struct lock *l, int argc, char **argv)
{
    const char *auths = NULL;
    const struct {
        const char *name;
        const char **to;
    } options[] = { { "--generate", &l->generate },
                    { "--import", &l->import },
                    { "--port", &l->port },
                    { "--auth-id", &auths } };
    const char *id = NULL;
    int status = 0;

    for (int i = 1; i < argc && !status; i++) {
        size_t k = 0;

        while (k < ARRAY_LEN(options) && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k == ARRAY_LEN(options))
            status = take_word(l, argv[i], &id);
        else if (i + 1 == argc)
            status = wrong(argv[i], "needs a value");
        else
            *options[k].to = argv[++i];
    }
    if (!status)
        status = take_auths(l, auths);
    if (status)
        return status;
    if (!id || cli_key_id(id, &l->cli.id))
        return wrong(id ? id : "KEYID", id ? "is not a key id (1 to 8 hex digits, not 0)" : "is missing");
    return l->generate && l->import ? wrong("--generate and --import", "exclude each other") : 0;
}

/* ---- what it says ---- */

static void say_what(const struct lock *l)
{
    if (l->rsa)
        printf("Key 0x%08" PRIX32 ": RSA, %zu bits, %s.\n", l->cli.id, l->bits,
               l->import ? "from a file" : "generated in the chip");
    else
        printf("Key 0x%08" PRIX32 ": %s, %s.\n", l->cli.id, se_curve_by_id(l->curve)->name,
               l->import ? "from a file" : "generated in the chip");
}

static void say_consequences(const struct lock *l)
{
    printf("\nWhat can no longer be undone:\n"
           "  - the key signs, verifies, and its public half can be read; %s\n",
           l->rsa ? "it also decrypts, because digests are\n    signed by the plain private operation"
                  : "it does nothing else");
    if (l->auths)
        printf("  - only who authenticates to the objects of --auth-id signs with it: without them it is of "
               "no use\n");
    printf("  - nobody can overwrite, regenerate or delete it, whatever he authenticates with, and its place "
           "in the\n"
           "    chip's memory is taken for good\n");
    if (l->reset_open)
        printf("  - DeleteAll, the chip's factory reset, is given away: object 0x%08X gets a random value\n"
               "    that nobody has seen\n",
               SE_ID_FACTORY_RESET);
    if (l->keep_reset)
        printf("  - but not: DeleteAll. Who has the credential of object 0x%08X, or makes one, can erase the "
               "key\n",
               SE_ID_FACTORY_RESET);
    printf("There is no unlock.\n\n");
}

static bool confirmed(const struct lock *l)
{
    char line[64] = "", want[16];
    const char *given = line;

    if (l->yes)
        return true;
    printf("Type the key id (%08" PRIX32 ") to lock it: ", l->cli.id);
    (void)fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    if (strncasecmp(given, "0x", 2) == 0)
        given += 2;
    (void)snprintf(want, sizeof(want), "%08" PRIX32, l->cli.id);
    return strcasecmp(given, want) == 0;
}

static err_t lock_it(struct lock *l)
{
    err_t e;

    say_consequences(l);
    if (!confirmed(l))
        return cli_fail(ERR_CANCELLED, "not confirmed: nothing was done");
    e = lock_carry_out(l);
    if (!e)
        printf("Key 0x%08" PRIX32 " is locked.\n", l->cli.id);
    return e;
}

static err_t run(struct lock *l)
{
    err_t e = crypto_ctx_new(NULL, &l->cli.crypto);

    l->cli.args[1] = l->import;
    if (!e)
        e = se_chip_open(l->port, &l->cli.chip);
    if (!e)
        e = lock_plan(l);
    if (e)
        return e;
    if (l->locked && !l->reset_open) {
        printf("Key 0x%08" PRIX32 " is locked.\n", l->cli.id);
        return ERR_OK;
    }
    if (!l->locked)
        say_what(l);
    else
        printf("Key 0x%08" PRIX32 " has the policy of a locked one; DeleteAll can still erase it.\n",
               l->cli.id);
    return l->rehearse ? lock_rehearse(l) : lock_it(l);
}

int lock_command(int argc, char **argv)
{
    struct lock l = { 0 };
    int status;
    err_t e;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    status = parse(&l, argc, argv);
    if (status)
        return status;
    e = run(&l);
    (void)fflush(stdout);
    if (e)
        (void)fprintf(stderr, "sedgectl lock: %s\n", cli_message(e));
    se_chip_close(l.cli.chip);
    crypto_ctx_free(l.cli.crypto);
    return e ? 1 : 0;
}
