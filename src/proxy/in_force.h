/*
 * What is in force, and what of it applies to a URL, as facts to be written as JSON (pages_in_force.c) or text.
 */
#ifndef FRESHET_PROXY_IN_FORCE_H
#define FRESHET_PROXY_IN_FORCE_H

#include "config/config.h"
#include "inspect/line.h"
#include "policy/overrides.h"

/* Everything is borrowed. */
struct in_force {
	const struct overrides *overrides;
	const struct config *config;
	int64_t now_us;
};

enum applying { APPLYING_SWITCH, APPLYING_SITE, APPLYING_CONFIGURATION };

/* One setting as it applies to a URL. */
struct applied {
	struct span value;
	enum applying by;
	struct span site; /* the pattern that says so; empty for the configuration beside its sections */
};

/* For people; both say by line->cut when there was no room for all of it. */
void in_force_text(const struct in_force *f, struct line *out);
void applied_text(const struct applied applied[OVERRIDE_KINDS], struct line *out);

#endif
