/* ssscli's command line: which command, its options and arguments, and the forms of values. */
#include "cli/ssscli.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROGRAM "ssscli"

enum { PATH_MAX_LEN = 64 };

/* ---- finding the command ---- */

const struct cli_command *cli_find_command(const char *path)
{
    for (size_t i = 0; i < cli_command_count; i++)
        if (strcmp(cli_commands[i].path, path) == 0)
            return &cli_commands[i];
    return NULL;
}

const struct cli_group *cli_find_group(const char *path)
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
        return cli_help_group(g);
    if (top && strcmp(word, "--version") == 0) {
        printf(PROGRAM " (Sedge) " SEDGE_VERSION "\n");
        return ERR_CANCELLED;
    }
    if (top && strcmp(word, "--json") == 0) {
        cli->json = true;
        return ERR_OK;
    }
    if (top && (strcmp(word, "-v") == 0 || strcmp(word, "--verbose") == 0)) {
        cli->verbose++;
        return ERR_OK;
    }
    (void)cli_fail_usage("No such option: %.80s", word);
    *ret_exit = cli_report_usage(g->path, NULL);
    return ERR_CANCELLED;
}

static err_t descend(struct cli *cli, int argc, char **argv, int *at, int *ret_exit)
{
    char path[PATH_MAX_LEN] = "";
    const struct cli_group *g = cli_find_group(path);

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
        cli->command = cli_find_command(path);
        if (cli->command) {
            (*at)++;
            return ERR_OK;
        }
        if (!cli_find_group(path)) {
            (void)cli_fail_usage("No such command '%.80s'.", word);
            *ret_exit = cli_report_usage(g->path, NULL);
            return ERR_CANCELLED;
        }
        g = cli_find_group(path);
    }
    return cli_help_group(g); /* as click: a group without a command shows its help */
}

/* ---- options and arguments ---- */

static const struct cli_option *find_option(const struct cli_command *c, const char *word,
                                            const char **ret_value)
{
    size_t n = strcspn(word, "=");

    for (size_t i = 0; c->options && c->options[i]; i++) {
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
            return cli_help_command(cli->command);
        else if (strcmp(word, "--json") == 0)
            cli->json = true;
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

/* ---- values ---- */

static bool parse_id(const char *text, uint32_t *ret)
{
    size_t n;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    n = strlen(text);
    if (n == 0 || n > 8 || strspn(text, "0123456789abcdefABCDEF") != n)
        return false;
    *ret = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

err_t cli_key_id(const char *text, uint32_t *ret)
{
    uint32_t id = 0;

    if (!parse_id(text, &id) || id == 0)
        return cli_fail_usage("Invalid value for 'KEYID': '%.40s' is not a key id: 1 to 8 hex digits, not 0, "
                              "such as 0x20181001",
                              text);
    *ret = id;
    return ERR_OK;
}

err_t cli_any_id(const char *name, const char *text, uint32_t *ret)
{
    if (!parse_id(text, ret))
        return cli_fail_usage("Invalid value for '%s': '%.40s' is not an object id: 1 to 8 hex digits, 0 for "
                              "none",
                              name, text);
    return ERR_OK;
}

err_t cli_choice(const char *name, const char *value, const char *const *choices, size_t *ret)
{
    autobuf all = BUF_INIT(1024);

    for (size_t i = 0; choices[i]; i++) {
        if (strcasecmp(choices[i], value) == 0) {
            *ret = i;
            return ERR_OK;
        }
        (void)buf_printf(&all, "%s'%s'", i ? ", " : "", choices[i]); /* a list cut short will do */
    }
    return cli_fail_usage("Invalid value for '%s': '%.40s' is not one of %s.", name, value, buf_str(&all));
}
