/*
 * A probe led at one place: asks what it wants to know, and looks at what came.
 */
#ifndef FRESHET_COMMANDS_CHECK_VISIT_H
#define FRESHET_COMMANDS_CHECK_VISIT_H

#include "commands/check_question.h"
#include "commands/fetch.h"
#include "inspect/probe_report.h"

enum { CHECK_VISIT_NAME_MAX = 300 };

/* One place in one round.  What is found points into the arena, which begins without memory of its own. */
struct check_visit {
	struct span host;          /* where to connect: name or address; borrowed */
	uint16_t port;
	struct probe_place found;
	struct arena arena;
	char name[CHECK_VISIT_NAME_MAX];
	char failure[FETCH_WHY_BYTES];
};

/* Of the configuration, tls-verify and tls-legacy count. */
void check_visit_make(struct check_visit *v, struct fetcher *f, const struct check_subject *s,
	const struct config *config);
void check_visit_fini(struct check_visit *v); /* all zero is fine */

#endif
