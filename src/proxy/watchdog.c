/*
 * Looks at heartbeats, a third of the watchdog's time apart.
 */
#include "proxy/watchdog.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "proxy/worker.h"

/* One that has drained before the others moves no more. */
static bool has_moved(const struct worker *w, unsigned long *seen)
{
	unsigned long beat = atomic_load_explicit(&w->heartbeat, memory_order_relaxed);
	bool moved = beat != *seen;

	*seen = beat;
	return moved || worker_is_done(w);
}

/* One that hangs is a reason to restart. */
static void watchdog_on_time(evutil_socket_t fd, short what, void *arg)
{
	struct watchdog *d = arg;
	unsigned moved = 0;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < d->count; i++)
		moved += has_moved(&d->workers[i], &d->heartbeats[i]);
	if (moved == d->count)
		sd_notify(0, "WATCHDOG=1");
	for (unsigned i = 0; i < d->count; i++)
		worker_post(&d->workers[i], 0, NULL, NULL, 0); /* an idle one moves when asked to */
}

bool watchdog_start(struct watchdog *d, struct event_base *base, struct worker *workers, unsigned count)
{
	uint64_t every_us;

	if (sd_watchdog_enabled(0, &every_us) <= 0)
		return true;
	struct timeval third = { .tv_sec = (time_t)(every_us / 3000000), .tv_usec = (suseconds_t)(every_us / 3 % 1000000) };
	d->workers = workers;
	d->count = count;
	d->heartbeats = calloc(count, sizeof(*d->heartbeats));
	d->event = d->heartbeats ? event_new(base, -1, EV_PERSIST, watchdog_on_time, d) : NULL;
	return d->event && event_add(d->event, &third) == 0;
}

void watchdog_fini(struct watchdog *d)
{
	if (d->event)
		event_free(d->event);
	free(d->heartbeats);
}
