/*
 * The service manager's watchdog: told that we live while every worker moves.
 */
#ifndef FRESHET_PROXY_WATCHDOG_H
#define FRESHET_PROXY_WATCHDOG_H

#include "base/span.h"

struct event;
struct event_base;
struct worker;

/* All zero while there is no watchdog. */
struct watchdog {
	struct event *event;
	struct worker *workers;    /* borrowed */
	unsigned count;
	unsigned long *heartbeats; /* owned: as last seen */
};

/* Begins, where the service manager asks for it; the workers run already.  False when memory is out. */
bool watchdog_start(struct watchdog *d, struct event_base *base, struct worker *workers, unsigned count) MUST_CHECK;
void watchdog_fini(struct watchdog *d);

#endif
