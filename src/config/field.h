/*
 * A member of the configuration, handled by the type of its option: set, clear, copy, print.
 *
 * `at` is the member's address, see option_in_config() and option_in_site().
 */
#ifndef FRESHET_CONFIG_FIELD_H
#define FRESHET_CONFIG_FIELD_H

#include <stdio.h>

#include "config/option.h"

/* Room for any member, for checking a value without keeping it. */
union field_any {
	bool flag;
	unsigned number;
	size_t size;
	int64_t duration_ms;
	char *text;
	struct config_parent parent;
	struct config_resolver resolver;
	struct config_strings strings;
	struct config_ports ports;
	struct config_networks networks;
	struct config_addresses addresses;
};

/*
 * Sets the member, or adds one value to a list.  NULL, or the reason why the text does not do; the member is
 * then as it was.
 */
const char *field_set(const struct config_option *o, void *at, struct span text) MUST_CHECK;

/* Frees what the member holds: lists become empty, strings NULL.  Numbers stay. */
void field_clear(const struct config_option *o, void *at);

/* Copies a boolean or a choice, which is what sites inherit. */
void field_copy(const struct config_option *o, void *to, const void *from);

/* Puts a reason of field_set() into words, with the range or the nearest word, without secrets. */
void field_explain(const struct config_option *o, struct span text, const char *reason, char *out,
		   size_t out_size);

/* Writes the value in the file's syntax; a parent's password as ***. */
void field_print(const struct config_option *o, const void *at, FILE *out);

/* Writes text as a quoted string of the file's syntax. */
void field_print_string(const char *text, FILE *out);

#endif
