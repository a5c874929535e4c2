/*
 * One direction of an exchange's body: from one connection to the other, framed anew (RFC 9112 sections 6 and 7).
 *
 * Streams: holds nothing but what the receiving side does not take, and then stops reading.  Bodies of known length
 * and tunnels go through splice(2) once they prove long.
 */
#ifndef FRESHET_PROXY_FLOW_H
#define FRESHET_PROXY_FLOW_H

#include "http/h1.h"
#include "net/splice.h"

struct digest;
struct preface;
struct worker;

enum flow_state {
	FLOW_BODY,
	FLOW_TRAILERS,
	FLOW_DONE,
};

struct flow {
	enum flow_state state;
	enum framing from, to;
	uint64_t remaining;        /* FRAMING_LENGTH: bytes that the source still owes */
	uint64_t body_bytes;       /* given to the sink, without framing */
	struct span prefix;        /* head to send before the first body bytes; valid within one callback */
	struct preface *preface;   /* borrowed: what is still to go in front of the body, as part of it; NULL nothing */
	struct digest *digest;     /* borrowed: of what is given, which then is not spliced; NULL none */
	bool closes;               /* the sink's connection ends right behind the body */
	bool ending;               /* what is given now is the body's last */
	struct h1_chunked chunked;
	size_t scanned;            /* of the trailer section */
	uint32_t copied_bytes;     /* by full reads in a row: when to start splicing */
	bool starving;             /* what is stored does not suffice: read more */
	struct pipe pipe;
	const char *reason;        /* FLOW_SOURCE_BAD: constant */
};

enum flow_result {
	FLOW_WAIT,          /* for readability or room */
	FLOW_FINISHED,
	FLOW_SOURCE_CUT,    /* ended before its framing said so */
	FLOW_SOURCE_BAD,    /* breaks its framing */
	FLOW_SOURCE_BROKEN, /* reset */
	FLOW_SINK_BROKEN,
};

/* `length` counts with FRAMING_LENGTH only; nothing to move with FRAMING_NONE. */
void flow_init(struct flow *f, enum framing from, uint64_t length, enum framing to);
void flow_fini(struct flow *f, struct worker *w);

static inline bool flow_done(const struct flow *f)
{
	return f->state == FLOW_DONE;
}

/* Whether it has use for bytes from its source now. */
bool flow_wants(const struct flow *f, const struct conn *to);

/* Moves what can be moved now; the prefix, where there is one, always goes out. */
enum flow_result flow_run(struct flow *f, struct worker *w, struct conn *from, struct conn *to) MUST_CHECK;

/*
 * The same for bytes that were read already, together with the head: they need not be stored first.  Consumes or
 * stores all of `bytes`.
 */
enum flow_result flow_feed(struct flow *f, struct worker *w, struct conn *from, struct conn *to,
	struct span bytes) MUST_CHECK;

#endif
