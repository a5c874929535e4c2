/*
 * What fetch.c and fetch_connect.c share.
 */
#ifndef FRESHET_PROBE_FETCH_PARTS_H
#define FRESHET_PROBE_FETCH_PARTS_H

#include "probe/fetch.h"

enum fetch_stage {
	FETCH_CONNECTING,
	FETCH_PARENT,   /* talking to the parent proxy */
	FETCH_TLS,
	FETCH_HEAD,
	FETCH_BODY,
	FETCH_TRAILERS,
	FETCH_DONE,
};

/* One fetch on its way; on the stack of fetch(). */
struct fetch_run {
	enum fetch_stage stage;
	struct fetcher *fetcher;         /* all borrowed */
	const struct fetch_question *question;
	struct arena *arena;
	struct fetch_answer *answer;
	struct connector connector;
	struct conn conn;
	struct deadline limit;           /* for everything together */
	struct parent_handshake talk;
	size_t scanned;                  /* of the head or the trailers */
	unsigned interims;               /* 1xx answers so far */
	struct h1_chunked chunked;
	uint64_t remaining;              /* of a body with a length */
};

extern const struct conn_owner fetch_owner;

/* Connects, by way of the parent and with TLS where these are due, then calls fetch_connected(). */
void fetch_connect(struct fetch_run *r);

/* Goes on with the connection's making: there are bytes, or the end of them. */
void fetch_go_on_connecting(struct fetch_run *r);

/* Whether requests go to an HTTP parent as they are; else it makes a way through. */
bool fetch_parent_gets_requests(const struct fetch_question *q);

/* The way to the destination is open. */
void fetch_connected(struct fetch_run *r);

/* Ends it without a whole answer; the first reason counts. */
void fetch_fail(struct fetch_run *r, const char *reason);

#endif
