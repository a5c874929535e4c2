/*
 * `freshet ca`: makes, shows and distributes the certificate authority.
 */
#ifndef FRESHET_COMMANDS_CA_COMMAND_H
#define FRESHET_COMMANDS_CA_COMMAND_H

#include "config/command_line.h"

/*
 * Does what was asked, with words on standard output and reasons on standard error.  False when it failed, or when
 * something that was looked at is not as it was asked for.
 */
bool ca_command(const struct ca_request *request, const struct config *config) MUST_CHECK;

#endif
