/*
 * What a probe found, for people and for programs.
 *
 * Pure: facts in, text out, into a buffer of the caller's.  Nothing a peer said gets through that a terminal could obey.
 */
#ifndef FRESHET_INSPECT_PROBE_REPORT_H
#define FRESHET_INSPECT_PROBE_REPORT_H

#include "inspect/line.h"
#include "inspect/notes.h"
#include "inspect/probe.h"

/* What was found at one address.  Spans are borrowed. */
struct probe_place {
	struct span name;           /* who was asked: "127.0.0.1:80" */
	struct probe probe;
	struct probe_conclusion conclusion;
	const char *failure;        /* with PROBE_FAILED: why, borrowed */
	struct caching caching;     /* the rest: of the plain answer, if there is one */
	struct notes notes;
};

struct probe_report {
	struct span url;
	uint64_t round;                   /* counted from 1; 0 where there is only one */
	const struct probe_place *places; /* borrowed, at least one */
	unsigned place_count;
	bool places_differ;               /* see probe_places_differ() */
};

enum { PROBE_REPORT_BYTES = 4 * 1024 * 1024 }; /* enough for any report on 16 places */

/* Whether plain answers that can be compared show different things at different places. */
bool probe_places_differ(const struct probe_place *places, unsigned count);

/* The graver of two statuses: stale, for that is what is looked for, then no answer, then what is not to be said. */
int probe_graver_status(int a, int b);

/* The gravest of all places. */
int probe_report_exit_status(const struct probe_report *r);

/* For people; `colored` for terminals only. */
void probe_report_text(const struct probe_report *r, bool colored, struct line *out);

/*
 * One JSON object and a line's end; freshet(8) describes it.  False when the buffer was too small: what is there is of no
 * use.
 */
bool probe_report_json(const struct probe_report *r, struct line *out) MUST_CHECK;

#endif
