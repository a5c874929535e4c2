/*
 * Giving members their values: from a text, from the command line, from the global value.
 */
#ifndef FRESHET_CONFIG_ASSIGN_H
#define FRESHET_CONFIG_ASSIGN_H

#include "config/option.h"

/* Where values were set, for messages. */
struct config_places {
	char *where[OPTION_COUNT]; /* owned; "file:line" of the last value, NULL for none */
	const char *fallback;      /* borrowed; for the others */
	bool allow_given;          /* set by somebody, even if to nothing */
};

void place_set(struct config_places *places, const struct config_option *o, const char *where);
void places_fini(struct config_places *places);

/* field_set() with the complaint going to the report. */
void assign(const struct config_option *o, void *at, struct span text, const char *where,
	    struct config_report *report);

/* The command line's values over those of the file; NULL for none. */
void assign_overrides(const struct config_overrides *all, struct config *config, struct config_places *places,
		      struct config_report *report);

/* Sites get the global value of what they do not set themselves. */
void assign_inherited(struct config *config);

#endif
