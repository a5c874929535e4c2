/*
 * The header that a load balancer in front puts before the bytes of a connection, to tell whose it is: PROXY protocol,
 * versions 1 (a line of text) and 2 (binary), as HAProxy's specification describes them.
 *
 * Reads only.  Whether the sender may be believed is decided by who calls this.
 */
#ifndef FRESHET_HTTP_PROXY_HEADER_H
#define FRESHET_HTTP_PROXY_HEADER_H

#include "base/address.h"

enum proxy_header_result {
	PROXY_HEADER_OK,
	PROXY_HEADER_MORE, /* so far it is one: read more and come again with all of it */
	PROXY_HEADER_BAD,
};

struct proxy_header {
	size_t len;            /* the connection's own bytes begin behind it */
	bool has_client;       /* else the connection is the sender's own (a health check), or from where IP does not reach */
	struct address client;
};

enum { PROXY_HEADER_MAX = 16 + 65535 };

/* Reads the header at the beginning of `bytes`.  Only with OK is *out touched, only with BAD *why (constant). */
enum proxy_header_result proxy_header_read(struct span bytes, struct proxy_header *out, const char **why) MUST_CHECK;

#endif
