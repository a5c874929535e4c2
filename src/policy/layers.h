/*
 * What each cache on the way says of a response: its fields as an ordered list of layers.
 *
 * Pure.  Reads words; judges nothing and believes everything: see evidence.h.  The words and fields are evidence.def.
 */
#ifndef FRESHET_POLICY_LAYERS_H
#define FRESHET_POLICY_LAYERS_H

#include "http/message.h"

/* What a cache did. */
enum layer_outcome {
	LAYER_UNKNOWN,     /* it said something that is not understood */
	LAYER_HIT,         /* answered from store */
	LAYER_STALE,       /* the same, beyond the copy's lifetime */
	LAYER_REVALIDATED, /* had its copy confirmed for this request */
	LAYER_MISS,        /* asked further on */
	LAYER_PASS,        /* the same, as it does not store such things */
};

enum layer_confidence {
	LAYER_INFERRED, /* follows from other fields only */
	LAYER_IDIOM,    /* a field that anybody may use, in the usual words */
	LAYER_STATED,   /* a field of one vendor or standard, in the words of its manual */
};

#define LAYER_NO_TIME INT64_MIN

struct layer_words {
	struct span name; /* constant, or points into the response; never empty but for Cache-Status: "" */
	enum layer_outcome outcome;
	enum layer_confidence confidence;
	int64_t ttl_s;    /* what is left of the lifetime by its own count, negative beyond; or LAYER_NO_TIME */
	int64_t age_s;    /* or LAYER_NO_TIME */
};

enum { LAYERS_MAX = 16 };

struct layers {
	unsigned count;
	bool overflow;    /* there were more */
	struct layer_words words[LAYERS_MAX]; /* from the client to the origin; the first `count` are set */
};

/* Whether any field of evidence.def is there.  A test of bits. */
bool layers_any(const struct message *response);

void layers_read(const struct message *response, struct layers *out);

/* An integer of structured fields, saturating at delta-seconds.  False on junk, *out untouched. */
bool layer_seconds_parse(struct span s, int64_t *out) MUST_CHECK;

#endif
