/*
 * The resolver's backend over c-ares: DNS on the loop, the hosts file first.
 */
#ifndef FRESHET_NET_RESOLVE_ARES_H
#define FRESHET_NET_RESOLVE_ARES_H

#include "net/resolve_backend.h"

/* `server` is "" for those of resolv.conf, else "address:port", several joined by commas.  NULL when it is none. */
struct resolve_backend *resolve_ares_new(struct loop *l, const char *server) MUST_CHECK;

#endif
