/*
 * A field whose lines are lists, without some of their elements.
 *
 * Pure.
 */
#ifndef FRESHET_POLICY_ELEMENTS_H
#define FRESHET_POLICY_ELEMENTS_H

#include "base/arena.h"
#include "http/message.h"

/* Which field, how its elements are told apart, and which of them are meant. */
struct elements {
	enum header id;
	bool (*next)(struct span *rest, struct span *element); /* false at the end */
	bool (*is_meant)(struct span element);
	const char *separator; /* of two characters, between those that stay */
};

/* All lines as one, without those that are meant: empty when there are no others.  False when the arena is full. */
bool elements_others(const struct message *m, const struct elements *e, struct arena *a, struct span *others) MUST_CHECK;

#endif
