/*
 * Taking our changes to URLs back out of text: fields of answers that show them, and requests made from such URLs.
 *
 * Pure.  Works on text, not on parsed URLs: our marks also stand within other URLs, encoded once or twice
 * ("/login?next=%2Fpage%3F_freshet%3D…").  What is not exactly of the form that pierce.h writes is left alone.
 */
#ifndef FRESHET_POLICY_UNPIERCE_H
#define FRESHET_POLICY_UNPIERCE_H

#include "base/arena.h"

/* What was changed.  All borrowed. */
struct unpierce {
	struct span parameter;      /* its name; any token of ours counts */
	struct span sent, original; /* path and query as sent, and as asked for; both empty: only the parameter */
};

/* Whether there may be something to take out: cheap. */
bool unpierce_finds(const struct unpierce *u, struct span text);

/* The text without our changes, in the arena; the text itself where there are none or no room. */
struct span unpierce(const struct unpierce *u, struct span text, struct arena *a);

#endif
