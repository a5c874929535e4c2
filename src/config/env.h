/*
 * `freshet env`: shell commands that make programs use the proxy.
 */
#ifndef FRESHET_CONFIG_ENV_H
#define FRESHET_CONFIG_ENV_H

#include <stdio.h>

#include "config/config.h"

/*
 * For `eval "$(freshet env)"`.  Names the first listening address with a fixed port; false, with nothing
 * written, when there is none.
 */
bool env_print(const struct config *config, FILE *out) MUST_CHECK;

#endif
