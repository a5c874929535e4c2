/*
 * One request or response head, independent of the wire format that carried it.
 *
 * A codec fills it; policy and proxy read it and append edits; only a codec applies the edits, while writing.  So
 * the received fields stay as they were, and before and after can be shown side by side.  Spans are borrowed
 * from whatever bytes the head was parsed from; message_keep() moves them to an arena.
 */
#ifndef FRESHET_HTTP_MESSAGE_H
#define FRESHET_HTTP_MESSAGE_H

#include "base/arena.h"
#include "http/headers.h"

enum method {
	METHOD_OTHER, /* any further token: PROPFIND, RPC_IN_DATA, … */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_QUERY,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_PATCH,
	METHOD_OPTIONS,
	METHOD_TRACE,
	METHOD_CONNECT,
};

/* How the end of a body is found (RFC 9112 section 6.3). */
enum framing {
	FRAMING_NONE,    /* there is no body */
	FRAMING_LENGTH,  /* content_length bytes */
	FRAMING_CHUNKED,
	FRAMING_CLOSE,   /* until the connection closes: responses only */
};

struct field {
	struct span name, value;
	enum header id;
	bool joined;         /* name, colon and value stand in one received line, CRLF behind it */
	bool known;          /* that line was read before: see h1_known.h */
	const char *dropped; /* why this one line is left out, NULL while it is kept */
};

enum edit_op {
	EDIT_SET,    /* the first line gets this value, further ones go; appended where there is none */
	EDIT_ADD,    /* one more line at the end */
	EDIT_REMOVE, /* every line goes */
};

struct edit {
	enum edit_op op;
	enum header id;
	struct span value; /* borrowed: static, or in the exchange's arena */
	const char *why;   /* the rule, worded for the operator */
	bool effective;    /* it changes something: a removal of an absent field does not */
};

enum { MESSAGE_EDITS_MAX = 32 };

struct message {
	struct span method;       /* requests */
	enum method method_id;
	struct span target;       /* requests: as received */
	unsigned status;          /* responses */
	struct span reason;       /* responses: may be empty */
	unsigned minor;           /* HTTP/1.minor as received: 0 or 1 */
	struct span head;         /* all its bytes, once it was kept; else empty */

	struct field *fields;     /* borrowed */
	unsigned field_count, field_max;
	uint64_t present[2];      /* one bit per known field that occurs */
	uint64_t repeated[2];     /* one bit per known field that occurs on more than one line */
	size_t line_bytes;        /* at least what those fields take as lines, CRLFs included */

	enum framing framing;     /* as the codec established it */
	uint64_t content_length;  /* FRAMING_LENGTH only */
	bool persistent;          /* the sender offers to keep the connection */
	bool websocket;           /* request: wants it; response: 101 that grants it */
	bool expect_continue;     /* request */
	bool te_trailers;         /* request: the sender can take trailers */

	struct edit edits[MESSAGE_EDITS_MAX];
	unsigned edit_count;
	uint8_t edit_of[HEADER_COUNT]; /* 1 + index of the SET or REMOVE edit of that field, 0 none */
	uint16_t first[HEADER_COUNT];  /* index of the field's first line, where it is present */
};

/* Empties it; `fields` has room for field_max and is borrowed until message_keep() or the message's end. */
void message_init(struct message *m, struct field *fields, unsigned field_max);

/* Appends a received field.  False when field_max is reached. */
bool message_receive(struct message *m, struct span name, struct span value) MUST_CHECK;

/* The same for a field whose name, colon and value stand in one received line; line_bytes is then the codec's to set. */
bool message_receive_line(struct message *m, struct span name, struct span value) MUST_CHECK;

/* The same where such a line was read before, and its name looked up. */
bool message_receive_known(struct message *m, struct span name, struct span value, enum header id) MUST_CHECK;

/*
 * Moves fields and all spans that point into `head` to the arena, so that the message outlives the bytes it was
 * parsed from.  False, with the message unusable, when the arena is full.
 */
bool message_keep(struct message *m, struct span head, struct arena *a) MUST_CHECK;

static inline bool message_has(const struct message *m, enum header id)
{
	return m->present[id >> 6] >> (id & 63) & 1;
}

static inline bool message_repeats(const struct message *m, enum header id)
{
	return m->repeated[id >> 6] >> (id & 63) & 1;
}

/* The first line of that field as received, or NULL. */
static inline const struct field *message_field(const struct message *m, enum header id)
{
	return message_has(m, id) ? &m->fields[m->first[id]] : NULL;
}

/* The next line of the same known field, or NULL. */
const struct field *message_next(const struct message *m, const struct field *f);

/* The value of the field's first line; an empty span where there is none. */
static inline struct span message_value(const struct message *m, enum header id)
{
	return message_has(m, id) ? m->fields[m->first[id]].value : SPAN_NONE;
}

/* Whether any line of that list-based field holds the token, in any case. */
bool message_list_has(const struct message *m, enum header id, struct span token);

/* Edits.  `why` is a constant.  A later SET or REMOVE of the same field replaces the earlier one. */
void message_set(struct message *m, enum header id, struct span value, const char *why);
void message_add(struct message *m, enum header id, struct span value, const char *why);
void message_remove(struct message *m, enum header id, const char *why);

/* The SET or REMOVE edit that decides about a field, or NULL. */
static inline const struct edit *message_edit(const struct message *m, enum header id)
{
	return m->edit_of[id] ? &m->edits[m->edit_of[id] - 1] : NULL;
}

enum method method_lookup(struct span token); /* case-sensitive, as methods are */
bool method_is_safe(enum method m);           /* RFC 9110 section 9.2.1, of the ones known here */
bool method_is_idempotent(enum method m);     /* RFC 9110 section 9.2.2 */
bool method_is_bustable(enum method m);       /* GET, HEAD, QUERY: what a cache may answer */

#endif
