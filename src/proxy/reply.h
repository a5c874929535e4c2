/*
 * Answers made here: errors (errors.def), and whole small pages.
 */
#ifndef FRESHET_PROXY_REPLY_H
#define FRESHET_PROXY_REPLY_H

#include "base/span.h"

struct exchange;

enum reply_error {
#define REPLY_ERROR(id, status, type, title, text) REPLY_##id,
#include "proxy/errors.def"
#undef REPLY_ERROR
};

/* Whether the client's Accept names this media type, and not only by a range. */
bool reply_type_wanted(const struct exchange *x, struct span type);

/*
 * Sends an error to the client, as a page or as text by its Accept field, with Proxy-Status (RFC 9209).  `details` is
 * a constant for the operator, NULL for none.  Only before a final head was sent.  False when the client is gone.
 */
bool reply_error(struct exchange *x, enum reply_error error, const char *details) MUST_CHECK;

/* Sends a page of our own; content_type is a constant.  False when the client is gone. */
bool reply_page(struct exchange *x, unsigned status, struct span content_type, struct span body) MUST_CHECK;

/* The same for a page that may ask us by our own name, from wherever it was loaded. */
bool reply_asking_page(struct exchange *x, struct span content_type, struct span body) MUST_CHECK;

/* The same for what pages of others may read. */
bool reply_shared(struct exchange *x, struct span content_type, struct span body) MUST_CHECK;

/* The same for a file of that name to be kept. */
bool reply_file(struct exchange *x, struct span content_type, const char *name, struct span body) MUST_CHECK;

/* Sends the head of a page whose text is sent as it comes about, and whose end the connection's end will be. */
bool reply_begin(struct exchange *x, struct span content_type) MUST_CHECK;

/* The same for a file to be stored under a name of letters, digits, '-' and '.'; chunked, if x->down.to says so. */
bool reply_begin_file(struct exchange *x, struct span content_type, struct span name) MUST_CHECK;

/* Sends a service worker's script, good for any scope of its site.  False when the client is gone. */
bool reply_script(struct exchange *x, struct span script) MUST_CHECK;

/* Answers OPTIONS and tells what is allowed (RFC 9110 section 9.3.7). */
bool reply_options(struct exchange *x) MUST_CHECK;

/* Answers TRACE with the request as it arrived, without credentials (RFC 9110 section 9.3.8). */
bool reply_trace(struct exchange *x) MUST_CHECK;

/* Tells a client that its tunnel stands (RFC 9110 section 9.3.6). */
bool reply_tunnel(struct exchange *x) MUST_CHECK;

#endif
