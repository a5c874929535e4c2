/*
 * A probe led at one place: asks what it wants to know, and looks at what came.
 */
#ifndef FRESHET_PROBE_VISIT_H
#define FRESHET_PROBE_VISIT_H

#include "inspect/probe_report.h"
#include "probe/fetch.h"
#include "probe/question.h"

enum { PROBE_VISIT_NAME_MAX = 300 };

/* One place in one round.  What is found points into the arena, which begins without memory of its own. */
struct probe_visit {
	struct span host;          /* where to connect: name or address; borrowed */
	uint16_t port;
	struct probe_place found;
	struct arena arena;
	char name[PROBE_VISIT_NAME_MAX];
	char failure[FETCH_WHY_BYTES];
};

void probe_visit_make(struct probe_visit *v, struct fetcher *f, const struct probe_subject *s,
	const struct fetch_way *way);
void probe_visit_fini(struct probe_visit *v); /* all zero is fine */

#endif
