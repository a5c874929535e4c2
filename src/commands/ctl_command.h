/*
 * `freshet ctl`: switches and flushes of the running proxy, by its control socket.
 */
#ifndef FRESHET_COMMANDS_CTL_COMMAND_H
#define FRESHET_COMMANDS_CTL_COMMAND_H

#include "config/config.h"
#include "config/ctl_request.h"

/*
 * Asks, and prints what is answered.  The status to exit with: 0 done, 1 refused, or no proxy can be reached; 2 is for
 * wrong usage.
 */
int ctl_command(const struct ctl_request *request, const struct config *config) MUST_CHECK;

#endif
