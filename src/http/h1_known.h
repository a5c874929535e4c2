/*
 * Field sections of requests that llhttp has read, byte for byte, so that it need not read them again.
 *
 * Programs send the same fields with every request, and browsers with most for one page.  The guard reads every head all
 * the same, and llhttp every request line: only its second opinion on fields is remembered, and it depends on nothing but
 * what is compared here.
 */
#ifndef FRESHET_HTTP_H1_KNOWN_H
#define FRESHET_HTTP_H1_KNOWN_H

#include "http/message.h"

enum { H1_KNOWN_SECTIONS = 32, H1_KNOWN_BYTES = 2032 }; /* longer sections are read each time */

struct h1_known_section {
	uint16_t len; /* 0: none */
	uint8_t method, minor;
	bool keep_alive;
	char bytes[H1_KNOWN_BYTES];
};

/* All zero at first.  One reader's, such as a worker's. */
struct h1_known {
	struct h1_known_section sections[H1_KNOWN_SECTIONS];
};

/* Whether llhttp has agreed on these bytes behind such a request line; *keep_alive is then what it said of persistence. */
bool h1_known_find(const struct h1_known *k, const struct message *m, struct span section, bool *keep_alive) MUST_CHECK;

/* Remembers that it has, in the place of another. */
void h1_known_add(struct h1_known *k, const struct message *m, struct span section, bool keep_alive);

#endif
