/*
 * The live page's news: exchanges as they end, and those that take long (running.h), as server-sent events.
 *
 * A viewer is one page that watches.  Several times a second its worker looks what all workers have remembered since, and
 * sends that in one event, unless the viewer has not taken the last one yet: so a slow viewer costs no memory, and what
 * was forgotten meanwhile it is told as a number.  The event's id says how far that was in each worker's history, and a
 * page that comes back with it (Last-Event-ID) goes on from there.
 */
#ifndef FRESHET_PROXY_LIVE_H
#define FRESHET_PROXY_LIVE_H

#include "base/list.h"

struct event;
struct exchange;
struct viewer;
struct worker;

enum { VIEWERS_MAX = 16 }; /* all workers together */

/* A worker's. */
struct live {
	struct worker *worker; /* borrowed */
	struct list viewers;
	struct event *tick;    /* owned; runs while there are viewers */
	char *room;            /* owned: where news are put together; NULL without viewers */
};

void live_init(struct live *l, struct worker *w);
void live_fini(struct live *l);

/* Ends what all viewers watch: they come back to whoever serves then. */
void live_end(struct live *l);

/* Takes NULL. */
void viewer_free(struct viewer *v);

#endif
