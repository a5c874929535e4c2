/*
 * The board, and the clock that takes back what has expired.  What an override does is policy/overrides.c.
 */
#include "proxy/switches.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static void switches_on_change(evutil_socket_t fd, short what, void *arg);
static void switches_on_expiry(evutil_socket_t fd, short what, void *arg);

bool switches_init(struct switches *s)
{
	atomic_init(&s->serial, 0);
	atomic_init(&s->count, 0);
	pthread_mutex_init(&s->lock, NULL);
	s->changed_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->overrides = overrides_new();
	return s->changed_fd >= 0 && s->overrides;
}

void switches_fini(struct switches *s)
{
	if (s->changed)
		event_free(s->changed);
	if (s->expiry)
		event_free(s->expiry);
	if (s->changed_fd >= 0)
		close(s->changed_fd);
	overrides_put(s->overrides);
	pthread_mutex_destroy(&s->lock);
}

/* -- changes -- */

/* The lock is held.  Takes over the list. */
static void put_in_force(struct switches *s, struct overrides *next)
{
	overrides_put(s->overrides);
	s->overrides = next;
	atomic_store_explicit(&s->count, (unsigned)overrides_count(next), memory_order_relaxed);
	atomic_fetch_add_explicit(&s->serial, 1, memory_order_release);
}

static void tell_main_thread(struct switches *s)
{
	uint64_t one = 1;

	if (write(s->changed_fd, &one, sizeof(one)) < 0)
		log_error("switches: the main thread cannot be woken: nothing will expire");
}

bool switches_set(struct switches *s, const struct override *more, const char **why)
{
	pthread_mutex_lock(&s->lock);
	struct overrides *next = overrides_with(s->overrides, more, why);
	if (next)
		put_in_force(s, next);
	pthread_mutex_unlock(&s->lock);
	if (next)
		tell_main_thread(s);
	return next != NULL;
}

bool switches_undo(struct switches *s, struct span site, const enum override_kind *kind, size_t *count)
{
	pthread_mutex_lock(&s->lock);
	struct overrides *next = overrides_without(s->overrides, site, kind);
	if (next) {
		*count = overrides_count(s->overrides) - overrides_count(next);
		put_in_force(s, next);
	}
	pthread_mutex_unlock(&s->lock);
	return next != NULL;
}

/* -- looking -- */

struct overrides *switches_list(struct switches *s)
{
	pthread_mutex_lock(&s->lock);
	struct overrides *o = s->overrides;
	overrides_get(o);
	pthread_mutex_unlock(&s->lock);
	return o;
}

void switches_renew(struct switches *s, struct switches_view *v)
{
	overrides_put(v->overrides);
	pthread_mutex_lock(&s->lock);
	v->seen = atomic_load_explicit(&s->serial, memory_order_relaxed);
	v->overrides = overrides_count(s->overrides) ? s->overrides : NULL;
	if (v->overrides)
		overrides_get(v->overrides);
	pthread_mutex_unlock(&s->lock);
}

void switches_view_fini(struct switches_view *v)
{
	overrides_put(v->overrides);
	*v = (struct switches_view){ .seen = 0 };
}

/* -- expiring, on the main thread -- */

static void log_expired(const struct overrides *o, int64_t now_us)
{
	for (size_t i = 0; i < overrides_count(o); i++) {
		const struct override *e = overrides_at(o, i);

		if (e->until_us <= now_us)
			log_info("switches: %.*s: %.*s = %.*s has expired", SPAN_ARG(e->site), SPAN_ARG(override_name(e->kind)),
				SPAN_ARG(override_value_name(e->kind, e->value)));
	}
}

/* Where memory is out it is tried again with the next expiry or change. */
static void remove_expired(struct switches *s, int64_t now_us)
{
	pthread_mutex_lock(&s->lock);
	struct overrides *next = overrides_first_end(s->overrides) <= now_us ? overrides_unexpired(s->overrides, now_us) : NULL;
	if (next) {
		log_expired(s->overrides, now_us);
		put_in_force(s, next);
	}
	pthread_mutex_unlock(&s->lock);
}

static void wait_for_next(struct switches *s, int64_t now_us)
{
	struct overrides *o = switches_list(s);
	int64_t first_us = overrides_first_end(o);

	overrides_put(o);
	if (first_us == OVERRIDE_FOREVER)
		return;
	int64_t left_us = first_us > now_us ? first_us - now_us : 1000000;
	struct timeval left = { .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };
	if (event_add(s->expiry, &left) < 0)
		log_error("switches: memory is out: nothing will expire before the next change");
}

static void switches_on_expiry(evutil_socket_t fd, short what, void *arg)
{
	struct switches *s = arg;
	int64_t now_us = clock_us();

	(void)fd;
	(void)what;
	remove_expired(s, now_us);
	wait_for_next(s, now_us);
}

static void switches_on_change(evutil_socket_t fd, short what, void *arg)
{
	struct switches *s = arg;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	s->on_change(s->context);
	wait_for_next(s, clock_us());
}

bool switches_watch(struct switches *s, struct event_base *base, void (*on_change)(void *context), void *context)
{
	s->on_change = on_change;
	s->context = context;
	s->changed = event_new(base, s->changed_fd, EV_READ | EV_PERSIST, switches_on_change, s);
	s->expiry = event_new(base, -1, 0, switches_on_expiry, s);
	return s->changed && s->expiry && event_add(s->changed, NULL) == 0;
}
