/*
 * Connections on their way.  Keeps freshet from calling itself.
 */
#include "proxy/dial.h"

#include "proxy/exchange.h"
#include "proxy/origin.h"
#include "proxy/worker.h"

static bool dial_allows(struct connector *c, const struct address *a)
{
	struct dial *d = LIST_OF(c, struct dial, connector);

	return !snapshot_is_self(d->view->snapshot, a);
}

static void dial_bury(struct dead *dead)
{
	struct dial *d = LIST_OF(dead, struct dial, dead);

	snapshot_view_put(d->view);
	slab_put(&d->worker->dial_slab, d);
}

static void dial_leave(struct dial *d)
{
	list_remove(&d->link);
	loop_bury(&d->worker->loop, &d->dead, dial_bury);
}

static void dial_done(struct connector *c, const struct connector_result *result)
{
	struct dial *d = LIST_OF(c, struct dial, connector);
	int64_t took_us = d->worker->loop.now_us - d->started_us;

	dial_leave(d);
	if (d->origin)
		origin_dialled(d->origin, result, took_us);
	else
		exchange_dialled(d->exchange, result, took_us);
}

struct dial *dial_start(struct worker *w, struct origin *origin, struct exchange *exchange, struct span host,
	uint16_t port)
{
	struct dial *d = slab_get(&w->dial_slab);

	if (!d)
		return NULL;
	*d = (struct dial){
		.worker = w,
		.origin = origin,
		.exchange = exchange,
		.view = snapshot_view_get(w->view),
		.started_us = w->loop.now_us,
	};
	list_push(&w->dials, &d->link);
	d->connector.allows = dial_allows;
	d->connector.done = dial_done;
	connector_start(&d->connector, &w->loop, w->resolver, host, port);
	return d;
}

void dial_cancel(struct dial *d)
{
	if (!d)
		return;
	connector_cancel(&d->connector);
	dial_leave(d);
}
