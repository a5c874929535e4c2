/*
 * Who may use the proxy, and where to.
 *
 * Judges by addresses and names; credentials are proxy/login.c's.
 */
#ifndef FRESHET_PROXY_ACCESS_H
#define FRESHET_PROXY_ACCESS_H

#include "base/secret.h"
#include "proxy/snapshot.h"

struct exchange;

/* What is known of a client; embedded in it.  All zero before its first exchange. */
struct client_access {
	uint64_t serial; /* of the snapshot by which it was judged; 0: not yet */
	bool denied;     /* its address may not use us: it is told so */
	bool local;      /* it may be taken to deny-destinations */
	bool logged_in;  /* somebody did on this connection: */
	uint32_t user;   /* his place among the snapshot's users */
	struct secret_digest login; /* of the field by which he did */
};

/* Judges the client's address, unless this snapshot did before.  To be called when the address is known for good. */
void access_judge(struct client_access *a, const struct snapshot *s, const struct address *client);

enum access_verdict {
	ACCESS_FREE,
	ACCESS_SELF,       /* it would reach this process */
	ACCESS_PROHIBITED, /* deny-destinations says so */
};

/* Whether to connect there.  `guarded` tells whether deny-destinations counts. */
enum access_verdict access_address(const struct snapshot *s, bool guarded, const struct address *a);

/* Whether x's client may not be taken to what it asks for, as far as its name or literal address tells. */
bool access_refuses_target(const struct exchange *x);

#endif
