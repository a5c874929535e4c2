/*
 * One worker's event loop: libevent, plus deadlines as lists and burials after the pass.
 */
#include "net/loop.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum { TICK_MAX_US = 500 * 1000, TICK_MIN_US = 20 * 1000, TICKS_PER_DEADLINE = 5, WALL_LOOK_US = 100 * 1000 };

static void tick_on_event(evutil_socket_t fd, short what, void *arg);
static void tick_arm(struct loop *l);

/* Without a change list: what epoll refuses, for want of memory, is to be known at once and not dropped in silence. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

/* Room for one timer at least, so that arming fails only while others are armed, of which one will end the wait. */
static bool tick_reserve(struct loop *l)
{
	const struct timeval second = { .tv_sec = 1 };

	return event_add(l->tick, &second) == 0 && event_del(l->tick) == 0;
}

/* What libevent has to say comes by the thousand when something is out; its text is for its authors. */
static void libevent_says(int severity, const char *message)
{
	static _Thread_local struct log_throttle throttle;
	unsigned count;

	if (severity >= EVENT_LOG_ERR)
		log_error("libevent: %s", message);
	else if (severity == EVENT_LOG_WARN && log_throttle_pass(&throttle, clock_us(), &count))
		log_warn("libevent: %s (%u since last told)", message, count);
}

bool loop_init(struct loop *l)
{
	event_set_log_callback(libevent_says);
	*l = (struct loop){ .now_us = clock_us(), .tick_us = TICK_MAX_US };
	buf_pool_init(&l->bufs);
	list_init(&l->dead);
	list_init(&l->ready);
	for (int i = 0; i < DEADLINE_CLASSES; i++)
		list_init(&l->deadlines[i]);
	l->base = base_new();
	l->scratch = malloc(LOOP_SCRATCH_BYTES);
	l->out = malloc(LOOP_OUT_BYTES);
	l->tick = l->base ? event_new(l->base, -1, 0, tick_on_event, l) : NULL;
	if (l->tick && l->scratch && l->out && tick_reserve(l))
		return true;
	loop_fini(l);
	return false;
}

static void bury_all(struct loop *l)
{
	struct list *link;

	while ((link = list_shift(&l->dead))) {
		struct dead *d = LIST_OF(link, struct dead, link);

		d->bury(d);
	}
}

void loop_fini(struct loop *l)
{
	bury_all(l);
	if (l->tick)
		event_free(l->tick);
	if (l->base)
		event_base_free(l->base);
	free(l->scratch);
	free(l->out);
	free(l->wire);
	buf_pool_fini(&l->bufs);
	l->tick = NULL;
	l->base = NULL;
	l->scratch = l->out = l->wire = NULL;
}

/* Once each: who is put back is served in the next pass, after others had their turn. */
static void serve_ready(struct loop *l)
{
	struct list now;

	if (list_empty(&l->ready))
		return;
	now = l->ready;
	now.next->prev = now.prev->next = &now;
	list_init(&l->ready);
	while (!list_empty(&now)) {
		struct list *link = list_shift(&now);

		l->serve_ready(link);
	}
}

bool loop_pass(struct loop *l)
{
	if ((l->deadline_count || l->tick_wanted) && !l->ticking)
		tick_arm(l);
	int result = event_base_loop(l->base, list_empty(&l->ready) ? EVLOOP_ONCE : EVLOOP_NONBLOCK);

	serve_ready(l);
	bury_all(l);
	return result == 0;
}

int64_t loop_wall_us(struct loop *l, int64_t now_us)
{
	if (!l->wall_seen_us || now_us - l->wall_seen_us >= WALL_LOOK_US) {
		l->wall_ahead_us = clock_wall_us() - clock_us();
		l->wall_seen_us = now_us;
	}
	return now_us + l->wall_ahead_us;
}

static int64_t tick_for(const struct loop *l)
{
	int64_t tick = TICK_MAX_US;

	for (int i = 0; i < DEADLINE_CLASSES; i++)
		if (l->deadline_us[i] && l->deadline_us[i] / TICKS_PER_DEADLINE < tick)
			tick = l->deadline_us[i] / TICKS_PER_DEADLINE;
	return tick < TICK_MIN_US ? TICK_MIN_US : tick;
}

static void tick_arm(struct loop *l)
{
	struct timeval tv = { .tv_sec = l->tick_us / 1000000, .tv_usec = l->tick_us % 1000000 };

	l->ticking = event_add(l->tick, &tv) == 0;
}

void loop_set_deadline(struct loop *l, enum deadline_class class, int64_t ms)
{
	l->deadline_us[class] = ms * 1000;
	int64_t tick = tick_for(l);
	if (tick == l->tick_us)
		return;
	l->tick_us = tick;
	if (l->deadline_count)
		tick_arm(l);
}

static void expire_class(struct loop *l, enum deadline_class class)
{
	struct list *head = &l->deadlines[class];

	while (l->deadline_us[class] && !list_empty(head)) {
		struct deadline *d = LIST_OF(head->next, struct deadline, link);

		if (l->now_us - d->since_us < l->deadline_us[class])
			return;
		deadline_stop(l, d);
		d->expired(d);
	}
}

static void tick_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	l->ticking = false;
	l->now_us = clock_us();
	for (int i = 0; i < DEADLINE_CLASSES; i++)
		expire_class(l, (enum deadline_class)i);
}

void deadline_init(struct deadline *d, void (*expired)(struct deadline *))
{
	list_init(&d->link);
	d->expired = expired;
}

void deadline_start(struct loop *l, struct deadline *d, enum deadline_class class)
{
	if (deadline_running(d))
		list_remove(&d->link);
	else
		l->deadline_count++; /* loop_pass() sees to the tick */
	d->class = class;
	d->since_us = l->now_us;
	list_push(&l->deadlines[class], &d->link);
}

void deadline_stop(struct loop *l, struct deadline *d)
{
	if (!deadline_running(d))
		return;
	list_remove(&d->link);
	l->deadline_count--;
}

void loop_bury(struct loop *l, struct dead *d, void (*bury)(struct dead *))
{
	d->bury = bury;
	list_push(&l->dead, &d->link);
}
