/*
 * What `freshet check` is asked to do.
 *
 * Pure: texts of the command line in, a checked request out.
 */
#ifndef FRESHET_CONFIG_CHECK_REQUEST_H
#define FRESHET_CONFIG_CHECK_REQUEST_H

#include <stdio.h>

#include "base/span.h"

enum check_option {
#define CHECK_OPTION(id, name, argument, hint, help) CHECK_##id,
#include "config/check_options.def"
#undef CHECK_OPTION
	CHECK_OPTIONS
};

enum check_color { CHECK_COLOR_AUTO, CHECK_COLOR_ALWAYS, CHECK_COLOR_NEVER };

enum { CHECK_FIELDS_MAX = 32, CHECK_PLACES_MAX = 16 };

/* A field to ask with in place of ours; without a value: to ask without. */
struct check_field {
	struct span name, value;
};

/* "HOST:PORT:HOST:PORT": whom it is for, and where to connect then.  What is left out stands for any, or stays. */
struct check_place {
	struct span host;    /* without brackets; empty for any */
	uint16_t port;       /* 0 for any */
	struct span to_host; /* empty: as it is */
	uint16_t to_port;    /* 0: as it is */
};

/* Points into argv. */
struct check_request {
	char **urls;
	size_t url_count;
	struct check_field fields[CHECK_FIELDS_MAX];
	size_t field_count;
	struct check_place places[CHECK_PLACES_MAX];
	size_t place_count;
	enum check_color color;
	bool json, all_addresses, follow;
	uint64_t rounds, interval_ms, timeout_ms;
	bool any_given;   /* some option of check */
	bool other_given; /* … beside --json, which is one of ctl, too */
};

void check_request_init(struct check_request *r);

/* NULL, or why the value cannot be: a constant.  `value` is NULL for options that take none. */
const char *check_request_take(struct check_request *r, enum check_option option, const char *value) MUST_CHECK;

/* The options' lines of the help. */
void check_request_help(FILE *out);

#endif
