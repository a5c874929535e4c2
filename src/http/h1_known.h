/*
 * Field lines that the guard and llhttp have read, byte for byte, so that neither need read them again.
 *
 * Programs and servers send mostly the same fields, head after head.  What a line means depends on nothing but its
 * bytes, but for fields that frame, or that belong to the connection: those are never remembered, Connection apart,
 * whose options are remembered as llhttp understood them.  What fields mean together (two Hosts, both framings) is
 * judged for every head.  Behind a line mostly comes the one that came before,
 * which is then compared without a search for the line's end.
 *
 * Of status lines, which are fewer still, the last is remembered, for llhttp alone.
 */
#ifndef FRESHET_HTTP_H1_KNOWN_H
#define FRESHET_HTTP_H1_KNOWN_H

#include <llhttp.h>

#include "http/message.h"

enum { H1_KNOWN_LINES = 256, H1_KNOWN_MIN = 4, H1_KNOWN_MAX = 248 }; /* shorter and longer lines are read each time */

struct h1_known_line {
	uint8_t len;  /* without CRLF; 0: none */
	uint8_t name_len, value_at, value_len;
	uint8_t id;
	uint8_t connection; /* llhttp's F_CONNECTION_… for it */
	uint8_t next; /* the line that followed when this one was last searched for: a guess */
	char bytes[H1_KNOWN_MAX + 2];
};

struct h1_known_status_line {
	uint8_t len; /* with CRLF; 0: none */
	char bytes[47];
	llhttp_t behind; /* llhttp where it has read that line and nothing else */
};

/* All zero at first.  One reader's, such as a worker's. */
struct h1_known {
	struct h1_known_line lines[H1_KNOWN_LINES];
	struct h1_known_status_line status_line;
};

/* Of the first of the two places that a line may have; from the length and the words at both ends. */
static inline unsigned h1_known_place(struct span line)
{
	uint64_t first = 0, last = 0;

	if (line.n >= sizeof(first)) {
		memcpy(&first, line.p, sizeof(first));
		memcpy(&last, line.p + line.n - sizeof(last), sizeof(last));
	} else { /* "Age: 5" */
		memcpy(&first, line.p, sizeof(uint32_t));
		memcpy(&last, line.p + line.n - sizeof(uint32_t), sizeof(uint32_t));
	}
	return (unsigned)(((first ^ last * 31) + line.n) * UINT64_C(0x9e3779b97f4a7c15) >> 56) % H1_KNOWN_LINES & ~1U;
}

/* The line, given without its CRLF, as it was remembered, or NULL. */
static inline struct h1_known_line *h1_known_find(struct h1_known *k, struct span line)
{
	if (line.n < H1_KNOWN_MIN || line.n > H1_KNOWN_MAX)
		return NULL;
	struct h1_known_line *l = &k->lines[h1_known_place(line)];
	if (l->len == line.n && memcmp(l->bytes, line.p, line.n) == 0)
		return l;
	l++;
	return l->len == line.n && memcmp(l->bytes, line.p, line.n) == 0 ? l : NULL;
}

/* The line at the front of `in`, CRLF and all, if it is the one that followed `last` before; else NULL. */
static inline struct h1_known_line *h1_known_behind(struct h1_known *k, const struct h1_known_line *last, struct span in)
{
	struct h1_known_line *l = &k->lines[last->next];
	size_t n = l->len + 2U;

	return l->len && in.n >= n && memcmp(l->bytes, in.p, n) == 0 ? l : NULL;
}

static inline void h1_known_follows(struct h1_known *k, struct h1_known_line *last, const struct h1_known_line *next)
{
	last->next = (uint8_t)(next - k->lines);
}

/*
 * Remembers the lines of a head that both have just read, each in the place of an older one.  `connection` is what llhttp
 * made of all its Connection lines.
 */
void h1_known_add(struct h1_known *k, const struct message *m, unsigned connection);

#endif
