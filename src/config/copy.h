/*
 * Text that a configuration keeps.
 */
#ifndef FRESHET_CONFIG_COPY_H
#define FRESHET_CONFIG_COPY_H

#include "base/span.h"

/* A copy with NUL, the caller's; NULL when memory is out. */
char *text_copy(struct span text) MUST_CHECK;

#endif
