/*
 * One request and its whole answer, on a connection of its own: what probes ask of the network.
 *
 * The pieces are those of the proxy (resolver, connector, TLS, codec), without its worker: nothing is pooled, repeated
 * or edited.  Bodies are hashed as they come and kept nowhere.  One at a time; everything together takes no longer than
 * the limit.
 */
#ifndef FRESHET_PROBE_FETCH_H
#define FRESHET_PROBE_FETCH_H

#include <stdatomic.h>

#include "config/config.h"
#include "http/h1.h"
#include "http/parent.h"
#include "http/url.h"
#include "net/conn.h"
#include "net/connect.h"
#include "tls/context.h"
#include "tls/digest.h"

/* What fetches have in common.  Stays in place. */
struct fetcher {
	struct loop loop;
	struct resolver *resolver; /* owned */
	struct h1_limits limits;
	struct field *fields;      /* owned: limits.fields of them, for the head being read */
	struct digest digest;
	const atomic_bool *stopping; /* borrowed: ends every fetch within half a second; NULL: nothing does */
	int64_t ends_us;           /* when all of them are to be over; 0 for never */
};

/* timeout_ms is for each fetch.  False when memory or descriptors are out. */
bool fetcher_init(struct fetcher *f, const struct config *config, int64_t timeout_ms) MUST_CHECK;
void fetcher_fini(struct fetcher *f); /* also of one that could not be made */

/* By which way a site is asked, and on what terms.  Everything is borrowed. */
struct fetch_way {
	const struct parent *parent;         /* NULL: directly */
	const struct tls_contexts *contexts; /* for https */
	bool is_unverified, is_legacy;       /* the site's tls-verify = no, tls-legacy = yes */
	bool (*allows)(const struct fetch_way *way, const struct address *a); /* whether to connect there; NULL: anywhere */
	uint64_t body_max;                   /* bytes of a body that are read; 0 for any number */
};

/* What is asked, and whom.  Everything is borrowed. */
struct fetch_question {
	const struct message *request;
	struct target target;     /* whose host is in the certificate; its path is not looked at */
	struct span path;         /* path and query, as they are to be asked for */
	struct span host;         /* where to connect: name or address, without brackets */
	uint16_t port;
	const struct fetch_way *way;
};

enum { FETCH_WHY_BYTES = 160 };

/* The answer.  Large; the head is in the arena that was given. */
struct fetch_answer {
	bool is_whole;
	char why[FETCH_WHY_BYTES];     /* why it is not; "" when it is */
	struct address address;        /* who answered, or was asked; port 0 where nobody was */
	int64_t asked_s, answered_s;   /* wall clock: request sent, head received; seconds since 1970 */
	struct message response;       /* as far as it came: status 0 for none; edits are not used */
	uint64_t body_bytes;
	unsigned char hash[DIGEST_BYTES];
};

/* Asks, and waits for the answer. */
void fetch(struct fetcher *f, const struct fetch_question *q, struct arena *arena, struct fetch_answer *out);

#endif
