/*
 * HTTP/1 on the wire (RFC 9112): heads, chunked bodies and trailers to messages, and back.
 *
 * Sans-io: bytes in, messages out.  Nothing is accepted on one parser's word: the guard (guard.h) and llhttp's
 * strict machine both read every head, and must agree on its fields and its framing; lines that they have agreed on,
 * byte for byte, neither need read again (h1_known.h).  Nothing is forwarded as it came: heads, chunk framing and
 * trailers are always written again from the message.
 */
#ifndef FRESHET_HTTP_H1_H
#define FRESHET_HTTP_H1_H

#include <llhttp.h>

#include "http/message.h"

struct h1_known;

struct h1_limits {
	uint32_t head_bytes;   /* start line and fields, and likewise a trailer section */
	uint32_t target_bytes;
	uint32_t fields;
};

enum h1_result {
	H1_OK,
	H1_MORE, /* not complete yet, and nothing wrong so far */
	H1_BAD,
};

/* What kind of wrong, so that the answer can have the right status. */
enum h1_fault {
	H1_FAULT_SYNTAX,          /* 400 */
	H1_FAULT_FRAMING,         /* 400: Content-Length, Transfer-Encoding */
	H1_FAULT_TARGET_TOO_LONG, /* 414 */
	H1_FAULT_HEAD_TOO_LARGE,  /* 431 */
	H1_FAULT_VERSION,         /* 505 */
	H1_FAULT_TLS,             /* 400: TLS records where HTTP was expected */
};

struct h1_error {
	enum h1_fault fault;
	const char *reason; /* constant, worded for the operator */
};

/*
 * Reads one head at the front of `in`.
 *
 * *scanned (0 for a new head) remembers how far the search for the head's end came, so that a head which trickles
 * in is not searched again from its start.  H1_OK fills `m` (initialised by the caller; spans point into `in`)
 * and *head_len.  Syntax that is already wrong is reported before the head is complete where that is cheap: a
 * first byte that cannot begin a request, a line over its limit.
 *
 * Connection is honoured here: persistent is set, hop-by-hop fields and those it names are marked dropped,
 * except those flagged KEEP.  Proxy-Connection counts only in requests without Connection.
 *
 * Field lines that are `known` (h1_known.h; NULL: none) are not read again, and those that were read become so.
 */
enum h1_result h1_read_request(struct span in, size_t *scanned, const struct h1_limits *limits, struct h1_known *known,
	struct message *m, size_t *head_len, struct h1_error *error) MUST_CHECK;

/* The same for a response; `request` is the method it answers, for the rules of RFC 9112 section 6.3. */
enum h1_result h1_read_response(struct span in, size_t *scanned, const struct h1_limits *limits, struct h1_known *known,
	enum method request, struct message *m, size_t *head_len, struct h1_error *error) MUST_CHECK;

/* Chunked transfer coding, one direction (RFC 9112 section 7.1). */
struct h1_chunked {
	llhttp_t parser;
	uint32_t framing_bytes; /* sizes and extensions beyond what the body is worth: bounded */
};

enum h1_chunk_result {
	H1_CHUNK_MORE,     /* all input consumed */
	H1_CHUNK_TRAILERS, /* the last chunk was seen; the trailer section begins at data + *consumed */
	H1_CHUNK_BAD,
};

void h1_chunked_init(struct h1_chunked *c);

/*
 * Decodes in place: the body bytes found in data[0..n) are moved together to data[0..*body_len).  Any split of the
 * input gives the same body.  Extensions are dropped.  On H1_CHUNK_BAD the body bytes before the fault are
 * valid and *reason tells what is wrong.
 */
enum h1_chunk_result h1_chunked_read(struct h1_chunked *c, char *data, size_t n, size_t *consumed, size_t *body_len,
	const char **reason) MUST_CHECK;

/*
 * Reads a whole trailer section, up to and including its empty line, at the front of `in`.  Fields that frame,
 * route or steer caches are marked dropped (RFC 9110 section 6.5.1).
 */
enum h1_result h1_read_trailers(struct h1_chunked *c, struct span in, size_t *scanned, const struct h1_limits *limits,
	struct message *m, size_t *len, struct h1_error *error) MUST_CHECK;

/* What the written Connection field says. */
enum h1_connection {
	H1_CONNECTION_DEFAULT,    /* no field: persistent for 1.1 */
	H1_CONNECTION_CLOSE,
	H1_CONNECTION_KEEP_ALIVE, /* said aloud, for 1.0 clients */
	H1_CONNECTION_UPGRADE,    /* with Upgrade: websocket */
};

/* How a head is to be written: what the message cannot know because it belongs to the next hop. */
struct h1_write {
	enum framing framing;
	uint64_t content_length;
	enum h1_connection connection;
	struct span target;  /* requests */
	bool te_trailers;    /* requests: announce TE: trailers */
	bool keep_length;    /* responses without a body to HEAD or with 304: Content-Length as received */
};

/* More room than any head of that message can take when written.  For trailers w, and m where none, may be NULL. */
size_t h1_head_room(const struct message *m, const struct h1_write *w);

/*
 * Writes the head with its edits applied, always as HTTP/1.1: untouched fields byte for byte, in order; a SET field
 * in the place of its first line; framing normalised in its place; additions at the end.  Framing fields,
 * Connection, Upgrade and TE are written from `w` alone, whatever fields and edits say; other hop-by-hop fields
 * only where an edit sets or adds them.  `out` has h1_head_room() bytes.  Returns the length.
 */
size_t h1_write_request(const struct message *m, const struct h1_write *w, char *out);
size_t h1_write_response(const struct message *m, const struct h1_write *w, char *out);

/* Writes the last chunk and the trailers that are not dropped, without edits; same room rule.  `m` may be NULL. */
size_t h1_write_trailers(const struct message *m, char *out);

enum { H1_CHUNK_HEAD_MAX = 20, H1_CHUNK_TAIL_LEN = 2 };

/* Writes the size line of a chunk of n bytes (n > 0); returns its length.  CRLF follows the data. */
size_t h1_write_chunk_head(uint64_t n, char out[H1_CHUNK_HEAD_MAX]);

/* Whether the linked llhttp is the strict machine: it must refuse a payload that the loose one takes. */
bool h1_self_test(void) MUST_CHECK;

#endif
