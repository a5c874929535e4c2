/*
 * Collecting what loading has to say.
 */
#ifndef FRESHET_CONFIG_REPORT_H
#define FRESHET_CONFIG_REPORT_H

#include "config/config.h"

/*
 * As much of somebody's words as a message may repeat: the first max bytes, or "***" for what looks like an address
 * with a user and password in it.
 */
struct span report_quotable(struct span words, size_t max);

/* Adds the line "where: message", control characters as '?'. */
void report_error(struct config_report *report, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct config_report *report, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether what was loaded must not be used. */
bool report_failed(const struct config_report *report);

#endif
