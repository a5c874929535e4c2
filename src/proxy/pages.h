/*
 * freshet's own pages: what stands at the listener's address and at http://freshet.internal/.
 */
#ifndef FRESHET_PROXY_PAGES_H
#define FRESHET_PROXY_PAGES_H

#include "base/span.h"

struct page {
	unsigned status;
	bool watched;                   /* asked for all the time, by machines: not for the access log */
	struct span content_type, body; /* static */
};

/* The page of that path (query ignored), to be had by GET and HEAD.  False where there is none. */
bool page_find(struct span path, bool leaving, struct page *out) MUST_CHECK;

#endif
