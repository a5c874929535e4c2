/*
 * The A/B probe: does a cache answer with something older than the origin has?
 *
 * The same resource is asked for as a browser would, and under addresses that no cache can know; what comes is compared.
 * Pure: says which question is next and concludes from the answers; asking is the caller's.
 *
 * A probe claims no freshness that it has no witness for.  What it cannot know it calls by name: answers that differ
 * each time, caches that overlook what was changed about the address, addresses that must not be changed.
 */
#ifndef FRESHET_INSPECT_PROBE_H
#define FRESHET_INSPECT_PROBE_H

#include "inspect/sight.h"

/* What is asked, in the order in which it may come. */
enum probe_ask {
	PROBE_PLAIN,             /* as a browser would */
	PROBE_CHANGED,           /* a parameter added to the address */
	PROBE_CHANGED_AGAIN,     /* the same with another value */
	PROBE_PATH,              /* the path written differently: the same address by RFC 3986 section 6.2.2.2 */
	PROBE_PATH_AGAIN,
	PROBE_PLAIN_AGAIN,       /* still the same? */
	PROBE_TRIPLE,            /* the plain address, with the fields by which freshet busts */
	PROBE_IF_NONE_MATCH,     /* the plain address, with the ETag that came */
	PROBE_IF_MODIFIED_SINCE, /* … with the Last-Modified that came */
	PROBE_ASKS,
};

/* Zeroed before the first question, but for what is said of the address. */
struct probe {
	bool has_query;   /* a parameter may be added to it */
	bool has_path;    /* its path may be written differently … */
	bool names_file;  /* … and means the same then, without doubt: some sites route by how a path is written */
	struct sight sights[PROBE_ASKS];
};

/* The next question, PROBE_ASKS when everything is known that can be. */
enum probe_ask probe_next(const struct probe *p) MUST_CHECK;

enum probe_verdict {
	PROBE_FRESH,       /* what came is what the origin says */
	PROBE_DYNAMIC,     /* the origin says something else each time */
	PROBE_STALE,
	PROBE_KEY_IGNORED, /* changed addresses are answered from a cache as well */
	PROBE_UNCERTAIN,
	PROBE_FAILED,      /* no whole answer came */
};

/* By which field it is known how much older a stale answer is. */
enum probe_measure {
	MEASURE_NONE,
	MEASURE_LAST_MODIFIED, /* between the two versions */
	MEASURE_DATE,          /* between the two answers' making */
	MEASURE_AGE,           /* since it was stored */
	MEASURE_LIFETIME,      /* beyond it, by the cache's own words */
};

struct probe_conclusion {
	enum probe_verdict verdict;
	enum probe_ask witness;     /* the answer that stands for the origin; PROBE_PLAIN: there is none */
	unsigned differs;           /* of DIFFERS_…: the plain answer from the witness */
	enum probe_measure measure; /* STALE */
	int64_t by_s;
	bool open;                  /* DYNAMIC: what came may all the same be a stored answer */
	bool triple_reaches;        /* STALE: with the triple, the origin's answer came */
	const char *reason;         /* constant, to be shown; NULL where the verdict says it all */
};

void probe_conclude(const struct probe *p, struct probe_conclusion *out);

/* 0 fresh, 1 stale, 2 no answer, 3 not to be said: how a program ends that was asked. */
int probe_exit_status(const struct probe_conclusion *c);

const char *probe_verdict_name(enum probe_verdict v); /* "key ignored", … */
const char *probe_ask_name(enum probe_ask a);         /* "plain", "changed", … */
const char *probe_measure_name(enum probe_measure m); /* "Last-Modified", … */

#endif
