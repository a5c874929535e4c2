/*
 * freshet's own pages: what stands at the listener's address and at http://freshet.internal/.
 */
#ifndef FRESHET_PROXY_PAGES_H
#define FRESHET_PROXY_PAGES_H

#include "base/span.h"

struct exchange;

enum page_flags {
	PAGE_LOGGED = 0,
	PAGE_UNLOGGED = 1, /* asked for all the time, by machines: neither in the access log nor counted */
	PAGE_OPEN = 2,     /* says nothing but that we are there: without a password */
};

struct page {
	const char *path;
	bool (*serve)(struct exchange *x); /* answers GET and HEAD; false when the client is gone */
	unsigned flags;
};

/* The page of that path (query ignored); NULL where there is none. */
const struct page *page_find(struct span path) MUST_CHECK;

bool page_metrics(struct exchange *x); /* pages_metrics.c */

#endif
