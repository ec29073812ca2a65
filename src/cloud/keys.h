/* src/cloud/keys.h - `sedge-cloud keys create|list|delete`: access keys of a data folder, whether a server
 * runs on it or not. See docs/man/sedge-cloud.8. */
#pragma once

extern const char keys_usage[];

/* argv[2] is the verb. The exit status: 0, 1 (could not), 2 (a wrong command line). */
int keys_command(int argc, char **argv);
