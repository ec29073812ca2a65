/* src/cli/ssscli.h - the frame of the program ssscli: command table, options, results, messages.
 *
 * One command a process, one thread. The surface is NXP's (docs/spec/ssscli.md); help and usage errors
 * look like Python click's, which scripts match on. Exit status: 0 done, 1 the command failed, 2 usage.
 */
#pragma once
#include "base/buf.h"
#include "crypto/process.h"
#include "se/chip.h"

#include <jansson.h>
#include <stdio.h>

enum cli_option_id {
    CLI_FORMAT,
    CLI_INFORMAT,
    CLI_OUTFORMAT,
    CLI_HASHALGO,
    CLI_ALGO,
    CLI_PASSWORD,
    CLI_CERT,
    CLI_AUTH_TYPE,
    CLI_SCPKEY,
    CLI_AUTH_ID,
    CLI_AUTH_KEY,
    CLI_POLICY_NAME,
    CLI_PCR_ID,
    CLI_PCR_VALUE,
    CLI_RIGHT, /* the first of the options for rights; ssscli_policy.h numbers them */
    CLI_OPTIONS = CLI_RIGHT + 32
};

struct cli_option {
    const char *name;    /* "--format" */
    const char *metavar; /* "[DER|PEM]" */
    const char *help;
    enum cli_option_id id;
};

enum { CLI_ARGS_MAX = 3 };

struct cli;

struct cli_command {
    const char *path; /* "set ecc pair" */
    const char *args[CLI_ARGS_MAX];
    const char *help; /* first line is what the group's help shows */
    err_t (*run)(struct cli *cli);
    bool no_chip;                            /* neither session nor chip is needed */
    const struct cli_option *const *options; /* ends with NULL; NULL: none */
};

struct cli_group {
    const char *path; /* "" for the program itself */
    const char *help;
};

/* What a command finds when it runs. */
struct cli {
    int verbose;
    bool json; /* the result as one JSON object */
    const struct cli_command *command;
    const char *args[CLI_ARGS_MAX];
    const char *options[CLI_OPTIONS]; /* NULL where not given */
    uint32_t id;                      /* the first argument, when it is called KEYID */
    struct crypto_ctx *crypto;
    struct se_chip *chip; /* open, unless no_chip */
    json_t *result;       /* members added by cli_put_*; NULL: none yet */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;
extern const struct cli_group cli_groups[];
extern const size_t cli_group_count;

/* Find the command that argv names, fill in cli->command, args and options. Prints help or a usage
 * error itself: then *ret_exit is the exit status and ERR_CANCELLED comes back. */
err_t cli_parse(struct cli *cli, int argc, char **argv, int *ret_exit);
const struct cli_command *cli_find_command(const char *path);
const struct cli_group *cli_find_group(const char *path);

/* ---- results (ssscli_report.c) ---- */

/* A result, or what is being done, for a person: nothing under --json. */
void cli_say(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A member of the object that --json prints; out of memory is found when it is printed. */
void cli_put(struct cli *cli, const char *name, json_t *value); /* takes the reference */
void cli_put_str(struct cli *cli, const char *name, const char *value);
void cli_put_id(struct cli *cli, const char *name, uint32_t id); /* "0x20181001" */
json_t *cli_json_id(uint32_t id);
/* Print the result under --json, or the failure: "Error: ..." on standard error, and under --json
 * {"error": {...}} on standard output. Returns the exit status. */
int cli_report(struct cli *cli, err_t e);

/* ---- messages ---- */

/* Set the line that follows "Error: ", and give back `e`. Without it se_detail() is printed. */
err_t cli_fail(err_t e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same when the text belongs after a usage line: exit status 2. */
err_t cli_fail_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What was set last, else se_detail(), else the class. */
const char *cli_message(err_t e);
/* Usage and message on standard error, for the parser; returns the exit status. */
int cli_report_usage(const char *path, const struct cli_command *c);
/* --help; ERR_CANCELLED. */
err_t cli_help_command(const struct cli_command *c);
err_t cli_help_group(const struct cli_group *g);

/* ---- values ---- */

/* An object id: hex, with or without 0x, 1..FFFFFFFF. */
err_t cli_key_id(const char *text, uint32_t *ret);
/* The same, where 0 means nobody; `name` is the argument's. */
err_t cli_any_id(const char *name, const char *text, uint32_t *ret);
/* Is `value` one of the words in `choices` ("DER", "PEM", NULL), in either case? Its index. */
err_t cli_choice(const char *name, const char *value, const char *const *choices, size_t *ret);
