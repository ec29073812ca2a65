/* src/edge/exit.h - exit codes between the processes of the core. */
#pragma once

enum exit_code {
    EXIT_CODE_CRASH = 1,       /* start it again */
    EXIT_CODE_CONFIG = 78,     /* sysexits' EX_CONFIG: starting again would not help */
    EXIT_CODE_NOT_RUNNING = 3, /* `greengrassd status`, as the LSB has it */
};
