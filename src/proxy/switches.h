/*
 * The switches: settings changed while freshet runs, until a moment or until they are taken back.
 *
 * One board for the process, beside the configuration, so that a reload leaves it as it is.  Changed by any thread;
 * what has expired the main thread removes.  Workers notice a change with the next request: what it costs them is a look
 * at a number.
 */
#ifndef FRESHET_PROXY_SWITCHES_H
#define FRESHET_PROXY_SWITCHES_H

#include <pthread.h>
#include <stdatomic.h>

#include "policy/overrides.h"

struct event;
struct event_base;

struct switches {
	atomic_uint serial;          /* another one after each change */
	atomic_uint count;           /* how many are in force */
	int changed_fd;              /* owned: an eventfd that tells the main thread; -1 none */
	struct event *changed;       /* owned, as is the next: the main thread's */
	struct event *expiry;
	void (*on_change)(void *context); /* on the main thread, after a change */
	void *context;
	pthread_mutex_t lock;        /* guards the rest */
	struct overrides *overrides; /* counted; NULL before switches_init() */
};

/* What one worker knows of them.  All zero it knows nothing yet. */
struct switches_view {
	unsigned seen;               /* the serial that it is of */
	struct overrides *overrides; /* counted; NULL when none is in force */
};

/* False when memory or descriptors are out; fini is to be called all the same. */
bool switches_init(struct switches *s) MUST_CHECK;
void switches_fini(struct switches *s);

/* From here on the main thread removes what expires, and on_change is called there.  False when memory is out. */
bool switches_watch(struct switches *s, struct event_base *base, void (*on_change)(void *context), void *context)
	MUST_CHECK;

/* Puts one in force.  False with *why (constant); then all is as before. */
bool switches_set(struct switches *s, const struct override *more, const char **why) MUST_CHECK;

/* Takes back those of this site, of one kind or, with kind NULL, all; *count tells how many.  False when memory is out. */
bool switches_undo(struct switches *s, struct span site, const enum override_kind *kind, size_t *count) MUST_CHECK;

/* All that are in force; the caller gives the list back by overrides_put(). */
struct overrides *switches_list(struct switches *s);

void switches_renew(struct switches *s, struct switches_view *v);
void switches_view_fini(struct switches_view *v);

/* What is in force now; NULL when nothing is.  Borrowed until the next call. */
static inline const struct overrides *switches_look(struct switches *s, struct switches_view *v)
{
	if (__builtin_expect(atomic_load_explicit(&s->serial, memory_order_acquire) != v->seen, 0))
		switches_renew(s, v);
	return v->overrides;
}

#endif
