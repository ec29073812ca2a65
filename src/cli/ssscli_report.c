/* What ssscli prints: results, failures, usage, help. */
#include "base/json.h"
#include "cli/ssscli.h"
#include "se/detail.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define PROGRAM "ssscli"

enum { PATH_MAX_LEN = 64, MESSAGE_MAX = 1024, RESULT_MAX = 4 * 1024 * 1024, HELP_COLUMN = 24 };

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

const char *cli_message(err_t e)
{
    if (message[0])
        return message;
    return se_detail()[0] ? se_detail() : err_str(e);
}

/* ---- results ---- */

void cli_say(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    if (cli->json)
        return;
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
}

void cli_put(struct cli *cli, const char *name, json_t *value)
{
    if (!cli->result)
        cli->result = json_object();
    (void)json_object_set_new(cli->result, name, value); /* NULL is refused there: the member is missing */
}

void cli_put_str(struct cli *cli, const char *name, const char *value)
{
    cli_put(cli, name, json_string(value));
}

json_t *cli_json_id(uint32_t id)
{
    return json_sprintf("0x%08" PRIX32, id);
}

void cli_put_id(struct cli *cli, const char *name, uint32_t id)
{
    cli_put(cli, name, cli_json_id(id));
}

static int print_json(const json_t *j)
{
    autobuf text = BUF_INIT(RESULT_MAX);
    err_t e = j ? json_write(&text, j, 2) : ERR_NOMEM;

    if (e || printf("%s\n", buf_str(&text)) < 0 || fflush(stdout)) {
        fprintf(stderr, "Error: cannot print the result: %s\n", e ? err_str(e) : "standard output is closed");
        return 1;
    }
    return 0;
}

static int print_result(struct cli *cli)
{
    if (cli->json) {
        cli_put_str(cli, "command", cli->command->path);
        return print_json(cli->result);
    }
    if (fflush(stdout)) {
        fputs("Error: standard output is closed\n", stderr);
        return 1;
    }
    return 0;
}

int cli_report(struct cli *cli, err_t e)
{
    auto_json *error = NULL;

    if (!e)
        return print_result(cli);
    if (usage_error)
        return cli_report_usage(cli->command->path, cli->command);
    fprintf(stderr, "Error: %s\n", cli_message(e));
    if (!cli->json)
        return 1;
    error = json_pack("{s:{s:s,s:s},s:s}", "error", "class", err_str(e), "message", cli_message(e), "command",
                      cli->command->path);
    if (se_last_sw()) /* the applet's refusal is what went wrong */
        (void)json_object_set_new(json_object_get(error, "error"), "statusWord",
                                  json_sprintf("%04X", se_last_sw()));
    (void)print_json(error);
    return 1;
}

/* ---- usage and help ---- */

static void print_usage(FILE *out, const char *path, const struct cli_command *c)
{
    fprintf(out, "Usage: " PROGRAM "%s%s [OPTIONS]", *path ? " " : "", path);
    if (!c)
        fputs(" COMMAND [ARGS]...", out);
    for (size_t i = 0; c && i < CLI_ARGS_MAX && c->args[i]; i++)
        fprintf(out, " %s", c->args[i]);
    fputc('\n', out);
}

int cli_report_usage(const char *path, const struct cli_command *c)
{
    print_usage(stderr, path, c);
    fprintf(stderr, "Try '" PROGRAM "%s%s --help' for help.\n\nError: %s\n", *path ? " " : "", path, message);
    return 2;
}

static void print_row(const char *left, const char *right)
{
    printf("  %-*s%s%.*s\n", HELP_COLUMN, left, strlen(left) < HELP_COLUMN ? "" : " ",
           (int)strcspn(right, "\n"), right);
}

static void print_option(const struct cli_option *o)
{
    char left[PATH_MAX_LEN];

    (void)snprintf(left, sizeof(left), "%s %s", o->name, o->metavar);
    print_row(left, o->help);
}

err_t cli_help_command(const struct cli_command *c)
{
    print_usage(stdout, c->path, c);
    printf("\n  %s\n\nOptions:\n", c->help);
    for (size_t i = 0; c->options && c->options[i]; i++)
        print_option(c->options[i]);
    print_row("--json", "Print the result as JSON.");
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

static void print_children(const char *group)
{
    const char *word;

    for (size_t i = 0; i < cli_group_count; i++)
        if (*cli_groups[i].path && (word = child_of(group, cli_groups[i].path)))
            print_row(word, cli_groups[i].help);
    for (size_t i = 0; i < cli_command_count; i++)
        if ((word = child_of(group, cli_commands[i].path)))
            print_row(word, cli_commands[i].help);
}

err_t cli_help_group(const struct cli_group *g)
{
    print_usage(stdout, g->path, NULL);
    printf("\n  %s\n\nOptions:\n", g->help);
    if (!*g->path) {
        print_row("-v, --verbose", "Say on standard error what is done.");
        print_row("--json", "Print the result as JSON.");
        print_row("--version", "Show the version and exit.");
    }
    print_row("--help", "Show this message and exit.");
    printf("\nCommands:\n");
    print_children(g->path);
    return ERR_CANCELLED;
}
