/* src/cli/sedgectl_setup.h - `sedgectl setup-archive`. */
#pragma once

/* Returns the exit status: 0, 1 when it failed, 2 for a wrong command line. */
int setup_archive_command(int argc, char **argv);
