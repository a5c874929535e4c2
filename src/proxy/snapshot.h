/*
 * Everything that a reload replaces, compiled from one configuration and immutable: shared by all workers.
 *
 * Reference counted across threads.  A worker counts its own exchanges through a snapshot_view, so that the shared
 * count is touched once per reload and worker, not once per exchange.
 */
#ifndef FRESHET_PROXY_SNAPSHOT_H
#define FRESHET_PROXY_SNAPSHOT_H

#include <stdatomic.h>

#include "config/config.h"
#include "http/h1.h"
#include "policy/destination.h"
#include "policy/policy.h"
#include "proxy/route.h"
#include "tls/context.h"
#include "tls/leaf.h"

struct snapshot {
	atomic_uint references;
	uint64_t serial;           /* no two have the same; never 0 */
	struct config *config;     /* owned */
	struct policy *policy;     /* owned */
	struct routes *routes;     /* owned */
	struct destinations *destinations; /* owned */
	struct tls_contexts *tls;  /* owned */
	_Atomic(struct leaves *) leaves; /* owned: what intercepted clients are shown; NULL while nothing is intercepted */
	struct ca authority;       /* owned: an authority that is there but not used, without its key; all zero otherwise */
	struct h1_limits limits;
	struct span via;           /* points into config: the pseudonym, empty for none */
	struct span name;          /* what freshet calls itself in Proxy-Status: the pseudonym, or "freshet" */
	struct address *listening; /* owned: where this process listens, so that it never calls itself */
	size_t listening_count;
};

/* One worker's use of a snapshot.  Freed when the worker has moved on and the last exchange is done. */
struct snapshot_view {
	struct snapshot *snapshot;
	unsigned uses; /* the worker itself, while it is current, and its exchanges */
};

/*
 * Takes over config, also on failure.  NULL with *why (borrowed until the next call) when a pattern is wrong or
 * memory is out.  The caller holds the first reference.
 */
struct snapshot *snapshot_new(struct config *config, const struct address *listening, size_t listening_count,
	const char **why);

/* Whether that would succeed, as far as the configuration alone decides: no other file is looked at, config is borrowed. */
bool snapshot_check(struct config *config, const char **why);

/*
 * Sees to it that https can be read, though the configuration has none read: by any thread, and often, at little cost.
 * False with *why (borrowed until the thread's next call).
 */
bool snapshot_prepare_interception(struct snapshot *s, const char **why) MUST_CHECK;

/* NULL while nothing is intercepted. */
static inline struct leaves *snapshot_leaves(const struct snapshot *s)
{
	return atomic_load_explicit(&s->leaves, memory_order_acquire);
}

void snapshot_get(struct snapshot *s);
void snapshot_put(struct snapshot *s);

/* The authority's certificate, whether it is used or only there; borrowed.  NULL when there is none. */
const struct ca *snapshot_authority(const struct snapshot *s);

/* Whether any listener has that port: a quick no to the question below. */
bool snapshot_listens_on(const struct snapshot *s, uint16_t port);

/* Whether connecting there would reach this process.  Asks the kernel where it listens on every address. */
bool snapshot_is_self(const struct snapshot *s, const struct address *a);

/* The first use; takes a reference of its own.  NULL when memory is out. */
struct snapshot_view *snapshot_view_new(struct snapshot *s);
static inline struct snapshot_view *snapshot_view_get(struct snapshot_view *v)
{
	v->uses++;
	return v;
}
void snapshot_view_put(struct snapshot_view *v);

#endif
