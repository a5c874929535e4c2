/*
 * Answers that this machine has by itself.
 */
#ifndef FRESHET_NET_RESOLVE_LOCAL_H
#define FRESHET_NET_RESOLVE_LOCAL_H

#include <ares.h>

#include "net/resolve_backend.h"

/* A channel that reads the hosts file and nothing else, the caller's to destroy; c-ares's result. */
int resolve_local_open(ares_channel *hosts) MUST_CHECK;

/*
 * The hosts file first, then names that must not reach a name server (RFC 6761 section 6.3, RFC 7686 section 2), which
 * may fail.  `name` is in lower case, without a final dot; *a is empty and says RESOLVE_OK.  False where somebody has to
 * be asked.
 */
bool resolve_local(ares_channel hosts, const char *name, struct lookup_answer *a) MUST_CHECK;

#endif
