/*
 * `freshet check`: does a cache answer with something old?
 */
#ifndef FRESHET_COMMANDS_CHECK_COMMAND_H
#define FRESHET_COMMANDS_CHECK_COMMAND_H

#include "config/check_request.h"
#include "config/config.h"

/*
 * Checks each URL as often as asked and reports on standard output.  The status to exit with: 0 all fresh, 1 something
 * stale, 2 wrong usage or no answer, 3 something is not to be said.
 */
int check_command(const struct check_request *request, const struct config *config) MUST_CHECK;

#endif
