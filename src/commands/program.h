/*
 * Other programs, started with their arguments as they are: no shell looks at them.
 */
#ifndef FRESHET_COMMANDS_PROGRAM_H
#define FRESHET_COMMANDS_PROGRAM_H

#include "base/span.h"

enum { PROGRAM_MISSING = -1, PROGRAM_FAILED = -2 };

/*
 * Runs a program from PATH, NULL behind its last argument, and waits for it.  It reads nothing; what it prints goes to
 * standard error, or nowhere if `quiet`.  Returns its exit status, PROGRAM_MISSING, or PROGRAM_FAILED when it could not
 * be started or was killed.
 */
int program_run(const char *const arguments[], bool quiet) MUST_CHECK;

#endif
