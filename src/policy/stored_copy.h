/*
 * A copy that a cache answered with, beside what the origin answers to the same request.
 *
 * Pure.  Both are known by their heads alone, and nothing is said that these do not show: where they have no validators
 * that can be compared, it stays unknown what the copy was worth.
 */
#ifndef FRESHET_POLICY_STORED_COPY_H
#define FRESHET_POLICY_STORED_COPY_H

#include "policy/evidence.h"

enum copy_worth {
	COPY_UNKNOWN,
	COPY_SAME,    /* the same content as the origin's answer has */
	COPY_CHANGED,
};

struct stored_copy {
	uint64_t version;        /* see version_of() in stored_copy.c; 0 unknown */
	int64_t last_modified_s; /* or TIME_ABSENT */
	int64_t age_s;           /* how long it had been stored; -1 unknown */
	int64_t older_s;         /* once compared: by Last-Modified older than the origin's; 0 not, or unknown */
	enum copy_worth worth;   /* once compared */
	char layer[sizeof(((struct verdict *)0)->layer)]; /* the cache, as it names itself, NUL-terminated, "" unknown */
};

/* Keeps of a cache's answer what is to be compared; `v` is the verdict on it. */
void stored_copy_read(struct stored_copy *c, const struct message *response, const struct verdict *v, int64_t now_s);

/* Compares it with the origin's answer. */
void stored_copy_compare(struct stored_copy *c, const struct message *response, int64_t now_s);

/* "same", "changed", constant; NULL where it is not known. */
const char *copy_worth_name(enum copy_worth worth);

#endif
