/* src/cli/ssscli.h - the frame of the program ssscli: command table, options, messages.
 *
 * One command a process, one thread. The surface is NXP's (docs/spec/ssscli.md); help and usage errors
 * look like Python click's, which scripts match on. Exit status: 0 done, 1 the command failed, 2 usage.
 */
#pragma once
#include "base/buf.h"
#include "crypto/process.h"
#include "se/chip.h"

#include <stdio.h>

enum cli_option_id { CLI_FORMAT, CLI_AUTH_TYPE, CLI_SCPKEY, CLI_OPTIONS };

struct cli_option {
    const char *name;    /* "--format" */
    const char *metavar; /* "[DER|PEM]" */
    const char *help;
    enum cli_option_id id;
};

enum { CLI_ARGS_MAX = 3, CLI_COMMAND_OPTIONS_MAX = 2 };

struct cli;

struct cli_command {
    const char *path; /* "set ecc pair" */
    const char *args[CLI_ARGS_MAX];
    const char *help; /* first line is what the group's help shows */
    err_t (*run)(struct cli *cli);
    bool no_session; /* connect, disconnect: no session file and no chip */
    const struct cli_option *options[CLI_COMMAND_OPTIONS_MAX];
};

struct cli_group {
    const char *path; /* "" for the program itself */
    const char *help;
};

/* What a command finds when it runs. */
struct cli {
    int verbose;
    const struct cli_command *command;
    const char *args[CLI_ARGS_MAX];
    const char *options[CLI_OPTIONS]; /* NULL where not given */
    uint32_t id;                      /* the first argument, when it is called KEYID */
    struct crypto_ctx *crypto;
    struct se_chip *chip; /* open, unless no_session */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;
extern const struct cli_group cli_groups[];
extern const size_t cli_group_count;

/* Find the command that argv names, fill in cli->command, args and options. Prints help or a usage
 * error itself: then *ret_exit is the exit status and ERR_CANCELLED comes back. */
err_t cli_parse(struct cli *cli, int argc, char **argv, int *ret_exit);

/* Set the line that follows "Error: ", and give back `e`. Without it se_detail() is printed. */
err_t cli_fail(err_t e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same when the text belongs after a usage line: exit status 2. */
err_t cli_fail_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Print usage and the error after a failed command; returns the exit status. */
int cli_report(const struct cli *cli, err_t e);

/* Open the chip at `port` ("none": as configured) into cli->chip. Message in se_detail. */
err_t cli_open_chip(struct cli *cli, const char *port);

/* An object id: hex, with or without 0x, 1..FFFFFFFF. */
err_t cli_key_id(const char *text, uint32_t *ret);
