#include "cli/ssscli.h"
#include "se/detail.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "ssscli"

enum { PATH_MAX_LEN = 64, MESSAGE_MAX = 1024, HELP_COLUMN = 24 };

static char message[MESSAGE_MAX];
static bool usage_error;

/* ---- messages ---- */

err_t cli_fail(err_t e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    return e;
}

err_t cli_fail_usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    usage_error = true;
    return ERR_INVALID;
}

static void print_usage(FILE *out, const char *path, const struct cli_command *c)
{
    fprintf(out, "Usage: " PROGRAM "%s%s [OPTIONS]", *path ? " " : "", path);
    if (!c)
        fputs(" COMMAND [ARGS]...", out);
    for (size_t i = 0; c && i < CLI_ARGS_MAX && c->args[i]; i++)
        fprintf(out, " %s", c->args[i]);
    fputc('\n', out);
}

static int report_usage(const char *path, const struct cli_command *c)
{
    print_usage(stderr, path, c);
    fprintf(stderr, "Try '" PROGRAM "%s%s --help' for help.\n\nError: %s\n", *path ? " " : "", path, message);
    return 2;
}

int cli_report(const struct cli *cli, err_t e)
{
    if (!e)
        return 0;
    if (usage_error)
        return report_usage(cli->command->path, cli->command);
    fprintf(stderr, "Error: %s\n", message[0] ? message : se_detail()[0] ? se_detail() : err_str(e));
    return 1;
}

/* ---- help ---- */

static void print_row(const char *left, const char *right)
{
    printf("  %-*s%.*s\n", HELP_COLUMN, left, (int)strcspn(right, "\n"), right);
}

static void print_option(const struct cli_option *o)
{
    char left[PATH_MAX_LEN];

    (void)snprintf(left, sizeof(left), "%s %s", o->name, o->metavar);
    print_row(left, o->help);
}

static err_t help_command(const struct cli_command *c)
{
    print_usage(stdout, c->path, c);
    printf("\n  %s\n\nOptions:\n", c->help);
    for (size_t i = 0; i < CLI_COMMAND_OPTIONS_MAX && c->options[i]; i++)
        print_option(c->options[i]);
    print_row("--help", "Show this message and exit.");
    return ERR_CANCELLED;
}

/* Is `path` one word below `group`? Then that word. */
static const char *child_of(const char *group, const char *path)
{
    size_t n = strlen(group);

    if (n && (strncmp(path, group, n) != 0 || path[n] != ' '))
        return NULL;
    path += n ? n + 1 : 0;
    return *path && !strchr(path, ' ') ? path : NULL;
}

static err_t help_group(const struct cli_group *g)
{
    const char *word;

    print_usage(stdout, g->path, NULL);
    printf("\n  %s\n\nOptions:\n", g->help);
    if (!*g->path) {
        print_row("-v, --verbose", "Say on standard error what is done.");
        print_row("--version", "Show the version and exit.");
    }
    print_row("--help", "Show this message and exit.");
    printf("\nCommands:\n");
    for (size_t i = 0; i < cli_group_count; i++)
        if (*cli_groups[i].path && (word = child_of(g->path, cli_groups[i].path)))
            print_row(word, cli_groups[i].help);
    for (size_t i = 0; i < cli_command_count; i++)
        if ((word = child_of(g->path, cli_commands[i].path)))
            print_row(word, cli_commands[i].help);
    return ERR_CANCELLED;
}

/* ---- finding the command ---- */

static const struct cli_command *find_command(const char *path)
{
    for (size_t i = 0; i < cli_command_count; i++)
        if (strcmp(cli_commands[i].path, path) == 0)
            return &cli_commands[i];
    return NULL;
}

static const struct cli_group *find_group(const char *path)
{
    for (size_t i = 0; i < cli_group_count; i++)
        if (strcmp(cli_groups[i].path, path) == 0)
            return &cli_groups[i];
    return NULL;
}

/* An option before the command is complete. */
static err_t group_option(struct cli *cli, const struct cli_group *g, const char *word, int *ret_exit)
{
    bool top = !*g->path;

    if (strcmp(word, "--help") == 0)
        return help_group(g);
    if (top && strcmp(word, "--version") == 0) {
        printf(PROGRAM " (Sedge) " SEDGE_VERSION "\n");
        return ERR_CANCELLED;
    }
    if (top && (strcmp(word, "-v") == 0 || strcmp(word, "--verbose") == 0)) {
        cli->verbose++;
        return ERR_OK;
    }
    (void)cli_fail_usage("No such option: %.80s", word);
    *ret_exit = report_usage(g->path, NULL);
    return ERR_CANCELLED;
}

static err_t descend(struct cli *cli, int argc, char **argv, int *at, int *ret_exit)
{
    char path[PATH_MAX_LEN] = "";
    const struct cli_group *g = find_group(path);

    for (; *at < argc; (*at)++) {
        const char *word = argv[*at];
        size_t n = strlen(path);
        err_t e;

        if (word[0] == '-') {
            e = group_option(cli, g, word, ret_exit);
            if (e)
                return e;
            continue;
        }
        (void)snprintf(path + n, sizeof(path) - n, "%s%s", n ? " " : "", word);
        cli->command = find_command(path);
        if (cli->command) {
            (*at)++;
            return ERR_OK;
        }
        if (!find_group(path)) {
            (void)cli_fail_usage("No such command '%.80s'.", word);
            *ret_exit = report_usage(g->path, NULL);
            return ERR_CANCELLED;
        }
        g = find_group(path);
    }
    return help_group(g); /* as click: a group without a command shows its help */
}

/* ---- options and arguments ---- */

static const struct cli_option *find_option(const struct cli_command *c, const char *word,
                                            const char **ret_value)
{
    size_t n = strcspn(word, "=");

    for (size_t i = 0; i < CLI_COMMAND_OPTIONS_MAX && c->options[i]; i++) {
        const char *name = c->options[i]->name;

        if (strlen(name) == n && strncmp(name, word, n) == 0) {
            *ret_value = word[n] == '=' ? word + n + 1 : NULL;
            return c->options[i];
        }
    }
    return NULL;
}

static err_t take_option(struct cli *cli, int argc, char **argv, int *at)
{
    const char *value = NULL;
    const struct cli_option *o = find_option(cli->command, argv[*at], &value);

    if (!o)
        return cli_fail_usage("No such option: %.80s", argv[*at]);
    if (!value && *at + 1 == argc)
        return cli_fail_usage("Option '%s' requires an argument.", o->name);
    cli->options[o->id] = value ? value : argv[++*at];
    return ERR_OK;
}

static err_t take_argument(struct cli *cli, const char *word, size_t *n)
{
    if (*n == CLI_ARGS_MAX || !cli->command->args[*n])
        return cli_fail_usage("Got unexpected extra argument (%.80s)", word);
    cli->args[(*n)++] = word;
    return ERR_OK;
}

static err_t take_words(struct cli *cli, int argc, char **argv, int at)
{
    bool only_arguments = false;
    size_t n = 0;
    err_t e = ERR_OK;

    for (; !e && at < argc; at++) {
        const char *word = argv[at];

        if (only_arguments || word[0] != '-' || !word[1])
            e = take_argument(cli, word, &n);
        else if (strcmp(word, "--") == 0)
            only_arguments = true;
        else if (strcmp(word, "--help") == 0)
            return help_command(cli->command);
        else
            e = take_option(cli, argc, argv, &at);
    }
    if (!e && n < CLI_ARGS_MAX && cli->command->args[n])
        e = cli_fail_usage("Missing argument '%s'.", cli->command->args[n]);
    return e;
}

err_t cli_parse(struct cli *cli, int argc, char **argv, int *ret_exit)
{
    int at = 1;
    err_t e;

    *ret_exit = 0;
    e = descend(cli, argc, argv, &at, ret_exit);
    if (e)
        return e;
    e = take_words(cli, argc, argv, at);
    if (e && e != ERR_CANCELLED) {
        *ret_exit = cli_report(cli, e);
        e = ERR_CANCELLED;
    }
    return e;
}

err_t cli_key_id(const char *text, uint32_t *ret)
{
    const char *digits = text;
    char *end = NULL;
    unsigned long v;

    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
        digits += 2;
    v = strtoul(digits, &end, 16);
    if (!*digits || strlen(digits) > 8 || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits) ||
        v == 0)
        return cli_fail_usage("Invalid value for 'KEYID': '%.40s' is not a key id: 1 to 8 hex digits, not 0, "
                              "such as 0x20181001",
                              text);
    *ret = (uint32_t)v;
    return ERR_OK;
}
