/*
 * Exchanges that have not ended, written down for who watches.
 */
#include "proxy/running.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "inspect/story.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/report.h"
#include "proxy/worker.h"

enum {
	LOOK_US = 200 * 1000,   /* between looks at who runs */
	RENEW_US = 1000 * 1000, /* between writings while the same ones run: their times and bytes grow */
	OUTDATED_US = 3 * 1000 * 1000, /* nobody writes any more: he is stuck, or at his end */
	LONG_US = 1000 * 1000,  /* from then on an exchange counts as running; tunnels do at once */
	ROWS_MAX = 64,
	TEXT_BYTES = 64 * 1024,
};

struct running {
	int64_t looked_us;    /* these two are the worker's alone */
	uint64_t who;         /* a digest of whom it wrote of; 0 nobody */
	char row[STORY_ROW_MAX];
	pthread_mutex_t lock; /* guards the rest */
	uint64_t version;
	int64_t written_us;   /* monotonic */
	unsigned rows, left_out;
	size_t text_n;
	char text[TEXT_BYTES];
};

struct running *running_new(void)
{
	struct running *r = calloc(1, sizeof(*r));

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void running_free(struct running *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static bool is_told_of(const struct exchange *x, int64_t now_us)
{
	return x && !x->facts.own_page && (x->tunnel || now_us - x->facts.started_us >= LONG_US);
}

/* The next one behind *link, which begins as the list's head; NULL behind the last. */
static struct exchange *next_running(struct worker *w, struct list **link, int64_t now_us)
{
	while ((*link = (*link)->next) != &w->clients) {
		struct exchange *x = LIST_OF(*link, struct client, link)->exchange;

		if (is_told_of(x, now_us))
			return x;
	}
	return NULL;
}

static uint64_t digest_of_all(struct worker *w, int64_t now_us)
{
	struct list *link = &w->clients;
	uint64_t digest = 0;
	struct exchange *x;

	while ((x = next_running(w, &link, now_us)))
		digest += (report_id(x) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return digest;
}

static void write_one(struct running *r, struct exchange *x)
{
	struct past past;
	struct line l = { .p = r->text, .n = r->text_n, .max = TEXT_BYTES };

	report_so_far(x, &past);
	struct span row = span_of(r->row, story_row(&past, r->row));
	if (r->rows == ROWS_MAX || row.n + 1 > l.max - l.n) {
		r->left_out++;
		return;
	}
	if (r->rows)
		line_put_char(&l, ',');
	line_put(&l, row);
	r->text_n = l.n;
	r->rows++;
}

static void write_all(struct worker *w, struct running *r, int64_t now_us)
{
	struct list *link = &w->clients;
	struct exchange *x;

	pthread_mutex_lock(&r->lock);
	r->rows = r->left_out = 0;
	r->text_n = 0;
	while ((x = next_running(w, &link, now_us)))
		write_one(r, x);
	r->written_us = now_us;
	r->version++;
	pthread_mutex_unlock(&r->lock);
}

void running_on_pass(struct worker *w)
{
	struct running *r = w->running;

	if (!worker_is_watched(w) || !r || !w->history) {
		w->loop.tick_wanted = false;
		return;
	}
	int64_t now_us = clock_us();
	if (now_us - r->looked_us < LOOK_US)
		return;
	r->looked_us = now_us;
	uint64_t who = digest_of_all(w, now_us);
	w->loop.tick_wanted = who != 0; /* else a worker that rests would not write that they have ended */
	if (who == r->who && (!who || now_us - r->written_us < RENEW_US))
		return;
	r->who = who;
	write_all(w, r, now_us);
}

uint64_t running_version(struct running *r)
{
	pthread_mutex_lock(&r->lock);
	uint64_t version = r->version;
	pthread_mutex_unlock(&r->lock);
	return version;
}

void running_put(struct running *r, struct line *l, uint64_t *more)
{
	int64_t now_us = clock_us();

	pthread_mutex_lock(&r->lock);
	if (now_us - r->written_us < OUTDATED_US) {
		bool fits = r->text_n + 1 <= l->max - l->n;

		*more += r->left_out + (fits ? 0 : r->rows);
		if (fits && r->rows && l->p[l->n - 1] == '}')
			line_put_char(l, ',');
		if (fits)
			line_put(l, span_of(r->text, r->text_n));
	}
	pthread_mutex_unlock(&r->lock);
}
