/*
 * Changes to a request that make caches look under another key, while the origin is asked for the same.
 *
 * Pure: writes the changed request; whether one is wanted, and which comes next, climb.h decides.  Changes nothing that a
 * signature covers, no reserved character and no escape, and no field that tells the origin what to answer.
 */
#ifndef FRESHET_POLICY_PIERCE_H
#define FRESHET_POLICY_PIERCE_H

#include "base/arena.h"
#include "http/message.h"

/* The ladder, from the least change to the most; EMPTY is for those who refuse parameters they do not know. */
enum rung {
	RUNG_ORIGINAL, /* as it was asked for */
	RUNG_PATH,     /* letters of the path percent-encoded: an equivalent URI (RFC 3986 section 6.2.2.2) */
	RUNG_VARY,     /* a product added to User-Agent, where the answers vary by it */
	RUNG_QUERY,    /* one more parameter */
	RUNG_EMPTY,    /* empty parameters */
	RUNG_COUNT,
};

#define RUNG_BIT(rung) (1u << (rung))

/* What decides which changes a request bears. */
struct pierce_facts {
	const struct message *request;
	struct span path;       /* path and query in origin-form, of the request */
	bool agent_signed;      /* a signature covers User-Agent */
	bool agent_varies;      /* an answer's Vary named it */
	bool is_checked;        /* evidence will show whether the change was one for the cache, so few variants will do */
	bool original_known;    /* the original's answer is there to compare with */
};

/* Whether it is a request that caches answer, and that may be made twice: GET and HEAD, no body, no stream, no upgrade. */
bool pierce_concerns(const struct message *request);

/* Bits of the rungs that this request bears; not RUNG_ORIGINAL's.  The caller has asked signature_forbids_url(). */
unsigned pierce_rungs(const struct pierce_facts *facts);

/*
 * Path and query for a rung that the request bears, in the arena; equal tokens make equal changes, others differ as far
 * as there are variants.  `parameter` is the name of RUNG_QUERY's.  Empty when there is no room.  For RUNG_VARY and
 * RUNG_ORIGINAL it is the path as it is.
 */
struct span pierce_path(struct span path, enum rung rung, struct span parameter, uint64_t token, struct arena *a);

/* The value of User-Agent for RUNG_VARY; empty when there is no room. */
struct span pierce_agent(struct span agent, uint64_t token, struct arena *a);

/* Whether the answer depends on a field that RUNG_VARY changes. */
bool pierce_varies(const struct message *response);

/* "path", constant; NULL for RUNG_ORIGINAL. */
const char *rung_name(enum rung rung);

enum { PIERCE_TOKEN_LEN = 16 }; /* of the parameter's value: lower-case hexadecimal digits */

#endif
