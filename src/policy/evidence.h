/*
 * What the caches in between said of a response, as one verdict.
 *
 * Pure.  Reads the fields of RFC 9111 and RFC 9211, and Squid's X-Cache; other vendors' fields come later.  It
 * states only what the fields prove: a cache that announces nothing leaves the verdict unknown.
 */
#ifndef FRESHET_POLICY_EVIDENCE_H
#define FRESHET_POLICY_EVIDENCE_H

#include "http/message.h"

enum verdict_kind {
	VERDICT_NONE,       /* nobody looked */
	VERDICT_UNKNOWN,    /* nothing proves where the response came from */
	VERDICT_FRESH,      /* a cache says it asked the origin for this very answer */
	VERDICT_REVALIDATED,
	VERDICT_FROM_CACHE, /* stored copy within its freshness lifetime */
	VERDICT_STALE,      /* stored copy beyond it */
};

struct verdict {
	enum verdict_kind kind;
	int64_t age_s;     /* FROM_CACHE, STALE: current age; -1 unknown */
	int64_t stale_by_s; /* STALE: seconds beyond its lifetime; -1 unknown */
	char layer[24];    /* the cache that answered, as it names itself, NUL-terminated, "" unknown */
};

void evidence_judge(const struct message *response, int64_t now_s, struct verdict *out);

enum { VERDICT_TEXT_MAX = 96 };

/* "from-cache(edge, 86 s)", without what is unknown; "" for VERDICT_NONE.  With NUL, returns the length. */
size_t verdict_format(const struct verdict *v, char out[VERDICT_TEXT_MAX]);

#endif
