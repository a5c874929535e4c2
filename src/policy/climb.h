/*
 * The ladder of changes to a request: which one is tried, and what follows from its answer.
 *
 * Pure: knows answers by a few facts and decides on their heads alone; makes no requests and remembers no hosts.  What is
 * to be remembered of the host is left in the struct.
 */
#ifndef FRESHET_POLICY_CLIMB_H
#define FRESHET_POLICY_CLIMB_H

#include "policy/pierce.h"

/* What is known of a host; all zero: nothing. */
struct climb_lesson {
	uint8_t worked;  /* enum rung: with this one no cache answered; RUNG_ORIGINAL unknown */
	uint8_t refused; /* bits: the server takes offence at these */
	bool futile;     /* caches answered whatever was changed */
};

/* What counts of an answer. */
struct climb_answer {
	unsigned status;
	uint32_t type;   /* a hash of its media type, 0 none */
	bool cached;     /* there is evidence that a cache answered */
	bool looping;    /* a redirect to what was asked for in the first place */
	bool stream;     /* an event stream: never asked for twice */
	unsigned rungs;  /* bits: what the request bears, now that this answer is known */
};

enum { CLIMB_REPEATS_MAX = 5 };

/* One request's way up and down the ladder.  climb_begin() fills it. */
struct climb {
	enum rung at;           /* how the request is made now */
	enum rung suspect;      /* refused: the original's answer will show whether the change is to blame */
	enum rung doubted;      /* known to work, but found no page of which a cache has a copy */
	struct climb_lesson lesson; /* about the host: first as it was given, in the end as it is to be remembered */
	uint8_t tried, failed;  /* bits, in this exchange */
	uint8_t repeats;
	bool always;            /* wanted without evidence, too */
	bool same_piece;        /* another piece of the same file under the same key: a copy of our own is welcome */
	bool last;              /* the original, to be delivered whatever it is */
	bool missing;           /* the suspect's answer was that there is no such page */
	bool believed;          /* a rung that is known to work is asked once more, and what it says counts */
	bool known;             /* the original was answered … */
	uint16_t status;        /* … like this */
	uint32_t type;
	bool unpierced;         /* nothing helped: the answer may be old */
};

/* Chooses c->at for the first request, of those in `rungs`. */
void climb_begin(struct climb *c, const struct climb_lesson *lesson, bool always, unsigned rungs);

/* Whether the request is to be made again, like c->at.  Otherwise the answer is the client's. */
bool climb_take(struct climb *c, const struct climb_answer *a);

/* What came of a rung in one exchange. */
enum climb_outcome {
	CLIMB_PASSED,     /* its answer, which no cache gave, was the client's */
	CLIMB_CACHED,     /* a cache answered all the same */
	CLIMB_REFUSED,    /* the server took offence, or closed */
	CLIMB_UNANSWERED, /* the exchange ended before */
	CLIMB_UNTRIED,
};

/* `delivered` is the rung whose answer was the client's; RUNG_ORIGINAL when it was another or none. */
enum climb_outcome climb_outcome(const struct climb *c, enum rung rung, enum rung delivered);

/* The server closed without an answer to a changed request: whether the original is to be asked for. */
bool climb_take_nothing(struct climb *c);

#endif
