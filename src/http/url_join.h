/*
 * References to URLs, as in Location (RFC 3986 section 5.2).
 */
#ifndef FRESHET_HTTP_URL_JOIN_H
#define FRESHET_HTTP_URL_JOIN_H

#include "base/arena.h"
#include "http/url.h"

/*
 * The URL that a reference stands for, seen from `base`, whose path and query are `path`; without a fragment, in the
 * arena.  Empty when there is no room, or for schemes other than http and https.  Not checked otherwise: target_parse()
 * does that.
 */
struct span url_join(const struct target *base, struct span path, struct span reference, struct arena *a);

#endif
