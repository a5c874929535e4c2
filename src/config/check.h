/*
 * What single values cannot tell: options that contradict each other, or that this version only knows by
 * name.
 */
#ifndef FRESHET_CONFIG_CHECK_H
#define FRESHET_CONFIG_CHECK_H

#include "config/assign.h"

/* Adds errors and warnings to the report. */
void config_check(const struct config *config, const struct config_places *places,
		  struct config_report *report);

#endif
