/*
 * `freshet -T`: the configuration in force, in the file's own syntax.
 */
#ifndef FRESHET_CONFIG_DUMP_H
#define FRESHET_CONFIG_DUMP_H

#include <stdio.h>

#include "config/config.h"

/* Can be read again, but for the password of the parent, which is written as ***. */
void config_dump(const struct config *config, FILE *out);

#endif
