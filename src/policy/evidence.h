/*
 * What the caches in between said of a response, as one verdict.
 *
 * Pure.  Reads the fields of RFC 9111 and RFC 9211, and those of evidence.def; a further vendor is a line there.  It
 * states only what the fields show: a cache that announces nothing leaves the verdict unknown, and so does a word that
 * is not understood.
 */
#ifndef FRESHET_POLICY_EVIDENCE_H
#define FRESHET_POLICY_EVIDENCE_H

#include "policy/layers.h"

enum verdict_kind {
	VERDICT_NONE,       /* nobody looked */
	VERDICT_UNKNOWN,    /* nothing proves where the response came from */
	VERDICT_FRESH,      /* a cache says it asked the origin for this very answer */
	VERDICT_REVALIDATED,
	VERDICT_FROM_CACHE, /* stored copy within its freshness lifetime */
	VERDICT_STALE,      /* stored copy beyond it */
};

/* One cache on the way, cut to what a record has room for. */
struct verdict_layer {
	uint8_t outcome;    /* enum layer_outcome */
	uint8_t confidence; /* enum layer_confidence */
	char name[18];      /* visible ASCII without quotes, commas and backslashes, NUL-terminated, "" unknown */
	int32_t age_s;      /* -1 unknown */
};

enum { VERDICT_LAYERS_MAX = 6 };

/* Of bounded size, as records hold it. */
struct verdict {
	enum verdict_kind kind;
	int64_t age_s;     /* FROM_CACHE, STALE: current age; -1 unknown */
	int64_t stale_by_s; /* STALE: seconds beyond its lifetime; -1 unknown */
	char layer[24];    /* the cache that answered, as it names itself, NUL-terminated, "" unknown */
	uint8_t layer_count;
	struct verdict_layer layers[VERDICT_LAYERS_MAX]; /* what each said; only the first layer_count are set */
};

void evidence_judge(const struct message *response, int64_t now_s, struct verdict *out);

enum { VERDICT_TEXT_MAX = 96 };

/* "from-cache(edge, 86 s)", without what is unknown; "" for VERDICT_NONE.  With NUL, returns the length. */
size_t verdict_format(const struct verdict *v, char out[VERDICT_TEXT_MAX]);

enum { VERDICT_LAYER_TEXT_MAX = 48 };

/* "cloudflare:hit:86s", with "?" behind what is an idiom or inferred.  With NUL, returns the length. */
size_t verdict_layer_format(const struct verdict_layer *l, char out[VERDICT_LAYER_TEXT_MAX]);

#endif
