/*
 * A channel of c-ares, driven by the loop.
 */
#ifndef FRESHET_NET_RESOLVE_CHANNEL_H
#define FRESHET_NET_RESOLVE_CHANNEL_H

#include <ares.h>

#include "net/loop.h"

struct resolve_channel;

enum resolve_transport {
	RESOLVE_UDP, /* answers that were cut short are handed out as they are */
	RESOLVE_TCP, /* for one question: c-ares takes the end of a connection for the failure of all that were asked on it */
};

/*
 * To these name servers: "" for resolv.conf's, else "address:port", several joined by commas.  c-ares's result; *out is
 * touched on success only, and then the caller's to free.
 */
int resolve_channel_new(struct resolve_channel **out, struct loop *l, const char *servers, enum resolve_transport how)
	MUST_CHECK;

/* Whatever is pending comes back as ARES_EDESTRUCTION.  NULL is allowed. */
void resolve_channel_free(struct resolve_channel *c);

/* The same at the end of the loop's pass, and so from within an answer; nothing may be pending. */
void resolve_channel_bury(struct resolve_channel *c);

/*
 * A question for records of that type (ns_t_a, …); `on_answer`, which may ask further, is called once, perhaps before
 * this returns.  A name without a dot is tried with the search list.
 */
void resolve_channel_ask(struct resolve_channel *c, const char *name, int type, ares_callback on_answer, void *arg);

/* Whether an answer to RESOLVE_UDP is but a part of it; none at all (NULL) is not. */
bool resolve_channel_has_cut(const unsigned char *answer, int n);

#endif
