/*
 * One answer, as far as it is compared with others.
 *
 * Pure.  Concludes nothing: see probe.h.
 */
#ifndef FRESHET_INSPECT_SIGHT_H
#define FRESHET_INSPECT_SIGHT_H

#include "http/message.h"
#include "policy/evidence.h"

enum sight_state {
	SIGHT_UNASKED,
	SIGHT_FAILED, /* no answer, or not a whole one */
	SIGHT_MADE,
};

enum { SIGHT_HASH_BYTES = 32 };

/* Spans are borrowed from the answer. */
struct sight {
	enum sight_state state;
	unsigned status;
	struct span etag, last_modified, date, content_type;
	struct span coding;              /* content codings; empty for none */
	struct span location;            /* as it would be, had the address not been changed */
	int64_t date_s, last_modified_s; /* or TIME_ABSENT */
	uint64_t length;                 /* of the body, as it came: content codings are left on */
	unsigned char hash[SIGHT_HASH_BYTES]; /* SHA-256 of the same */
	struct verdict verdict;          /* what caches said of it */
};

/* Fills in what the head tells. */
void sight_read(struct sight *s, const struct message *response, int64_t now_s);

static inline bool sight_is_made(const struct sight *s)
{
	return s->state == SIGHT_MADE;
}

/* Whether a cache says that it comes from its store. */
bool sight_is_stored(const struct sight *s);

/* Whether a is the older one by Last-Modified. */
bool sight_is_older(const struct sight *a, const struct sight *b);

/* Whether two answers have the same tag, by weak comparison (RFC 9110 section 8.8.3.2). */
bool sight_same_tag(const struct sight *a, const struct sight *b);

/* Whether their bodies are written in different codings, so that nothing follows from different bytes. */
bool sight_codings_differ(const struct sight *a, const struct sight *b);

/* Whether different bytes may be the same content, only compressed anew: both are coded, and their validators agree. */
bool sight_perhaps_recoded(const struct sight *a, const struct sight *b);

/* Whether two answers show the same thing; for redirects, whether they lead to the same place. */
bool sight_same(const struct sight *a, const struct sight *b);

/* In what two answers differ. */
enum {
	DIFFERS_STATUS = 1,
	DIFFERS_BODY = 2,
	DIFFERS_LENGTH = 4,
	DIFFERS_ETAG = 8,
	DIFFERS_LAST_MODIFIED = 16,
	DIFFERS_CONTENT_TYPE = 32,
	DIFFERS_LOCATION = 64,
	DIFFERS_CODING = 128,
};

unsigned sight_differences(const struct sight *a, const struct sight *b);

#endif
