/*
 * What both ends of the soak test know of an exchange, all of it derived from its number.
 *
 * Load and origin compute the same plan from the number in the target, and every byte of a body from number and
 * offset: each of them can judge what it gets without being told anything, and without storing it.
 */
#ifndef SOAK_PLAN_H
#define SOAK_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
#define FAULT(id, name, weight, outcome) FAULT_##id,
#include "faults.def"
#undef FAULT
	FAULT_COUNT
};

enum outcome { OUTCOME_WHOLE, OUTCOME_BAD, OUTCOME_LATE, OUTCOME_REFUSED, OUTCOME_CUT };

struct fault_kind {
	const char *name;
	unsigned weight;
	enum outcome outcome;
};

extern const struct fault_kind fault_kinds[FAULT_COUNT];

enum verb { VERB_GET, VERB_HEAD, VERB_POST, VERB_PUT };
enum body_framing { BODY_LENGTH, BODY_CHUNKED, BODY_CLOSE };

extern const char *const verb_names[];

struct plan {
	uint64_t id;
	enum verb verb;
	enum fault fault;
	enum body_framing down_framing;
	size_t down_bytes;   /* of the answer's body; a HEAD is told of them and gets none */
	size_t up_bytes;
	bool up_chunked;
	bool ends_by_reset;  /* how a faulty origin leaves */
};

struct plan plan_of(uint64_t id);
bool plan_has_upload(const struct plan *p);

/* A stream of numbers that follows from where it began (splitmix64). */
struct dice {
	uint64_t state;
};

uint64_t dice_next(struct dice *d);
uint64_t dice_below(struct dice *d, uint64_t limit);
bool dice_percent(struct dice *d, unsigned percent);
struct dice dice_of(uint64_t a, uint64_t b);

enum direction { DOWN, UP };

/* n bytes of the body of exchange `id`, from `offset` on. */
void body_fill(uint64_t id, enum direction d, uint64_t offset, char *out, size_t n);
/* True when they are the right ones. */
bool body_matches(uint64_t id, enum direction d, uint64_t offset, const char *in, size_t n);

#endif
