/*
 * The latest exchanges, each in one piece in a ring of bytes; where it does not fit before the ring's end it stands at
 * the beginning.  A second ring tells where each begins.
 */
#include "inspect/history.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/*
 * A flood: so much within so short a time that it is gone before a person can look.  The ring's beginning, which the
 * processor's cache still holds, is then used again at once: going through all of the ring would cost a tenth of an
 * exchange's time, for memory.
 */
enum { FLOOD_BYTES = 256 * 1024, FLOOD_US = 25 * 1000 };

enum { FIND_AT_ONCE = 4096 }; /* looked at under the lock: some microseconds */

/* In front of each stored exchange.  Behind it, in this order: the record, the edits, the heads. */
struct stored {
	uint32_t record_bytes; /* each of these and the next a multiple of 8 */
	uint32_t head_bytes[TRACE_HEADS];
	uint16_t request_edits, response_edits;
};

struct place_of {
	uint64_t exchange_id;
	size_t at, bytes;
};

struct history {
	pthread_mutex_t lock; /* guards the rest */
	uint64_t first, next; /* positions: the oldest one there is, and the one after the latest */
	unsigned count_max;
	size_t bytes_max, at; /* where the next one may begin */
	int64_t began_us;     /* when that was the ring's beginning: wall clock, by the exchanges' ends */
	struct place_of *places; /* owned; a position modulo count_max */
	char *bytes;          /* owned */
};

static_assert(sizeof(struct stored) % 8 == 0 && sizeof(struct trace_edit) % 8 == 0, "what follows is aligned");

struct history *history_new(unsigned count, size_t bytes)
{
	struct history *h = calloc(1, sizeof(*h));

	assert(count && bytes >= HISTORY_BYTES_MIN);
	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	h->count_max = count;
	h->bytes_max = bytes;
	h->places = calloc(count, sizeof(*h->places));
	h->bytes = malloc(bytes);
	if (h->places && h->bytes)
		return h;
	history_free(h);
	return NULL;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h->places);
	free(h->bytes);
	free(h);
}

static size_t in_eights(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* -- adding -- */

static struct place_of *place_of(struct history *h, uint64_t position)
{
	return &h->places[position % h->count_max];
}

static bool overlaps(const struct place_of *p, size_t at, size_t bytes)
{
	return p->at < at + bytes && at < p->at + p->bytes;
}

static void begin_again(struct history *h, int64_t now_us)
{
	h->at = 0;
	h->began_us = now_us;
}

/* The oldest goes for the sake of number.  What is free in front of the next is used again before memory never touched. */
static void forget_oldest(struct history *h, size_t bytes, int64_t now_us)
{
	h->first++;
	size_t free_bytes = h->first == h->next ? h->at : place_of(h, h->first)->at;
	if (free_bytes <= h->at && bytes <= free_bytes)
		begin_again(h, now_us);
}

/* A clock that was set back makes none. */
static bool is_flood(const struct history *h, int64_t now_us)
{
	return h->at >= FLOOD_BYTES && (uint64_t)(now_us - h->began_us) < FLOOD_US;
}

/* Where so many bytes may stand; who is in the way goes, and all that are older. */
static char *make_room(struct history *h, size_t bytes, int64_t now_us, bool watched)
{
	if (h->next - h->first == h->count_max)
		forget_oldest(h, bytes, now_us);
	if (bytes > h->bytes_max - h->at || (!watched && is_flood(h, now_us))) {
		while (h->first != h->next && place_of(h, h->first)->at >= h->at)
			h->first++; /* what the end of the ring held */
		begin_again(h, now_us);
	}
	while (h->first != h->next && overlaps(place_of(h, h->first), h->at, bytes))
		h->first++;
	return h->bytes + h->at;
}

static char *put(char *to, const void *from, size_t n)
{
	if (n)
		memcpy(to, from, n);
	return to + n;
}

static size_t measure(struct stored *s, const struct record *record, const struct trace *trace)
{
	size_t bytes = sizeof(*s);

	s->record_bytes = (uint32_t)in_eights(offsetof(struct record, url) + record->url_len);
	s->request_edits = (uint16_t)trace->request.count;
	s->response_edits = (uint16_t)trace->response.count;
	bytes += s->record_bytes + (s->request_edits + s->response_edits) * sizeof(struct trace_edit);
	for (int i = 0; i < TRACE_HEADS; i++) {
		s->head_bytes[i] = (uint32_t)span_first(trace->heads[i], TRACE_HEAD_MAX).n;
		bytes += s->head_bytes[i];
	}
	return in_eights(bytes);
}

void history_add(struct history *h, const struct record *record, const struct trace *trace, bool watched)
{
	struct stored s;
	size_t bytes = measure(&s, record, trace);

	pthread_mutex_lock(&h->lock);
	char *to = make_room(h, bytes, record->started_us + record->total_us, watched);
	to = put(to, &s, sizeof(s));
	to = put(to, record, s.record_bytes);
	to = put(to, trace->request.items, s.request_edits * sizeof(struct trace_edit));
	to = put(to, trace->response.items, s.response_edits * sizeof(struct trace_edit));
	for (int i = 0; i < TRACE_HEADS; i++)
		to = put(to, trace->heads[i].p, s.head_bytes[i]);
	*place_of(h, h->next++) = (struct place_of){ .exchange_id = record->exchange_id, .at = h->at, .bytes = bytes };
	h->at += bytes;
	pthread_mutex_unlock(&h->lock);
}

void history_clear(struct history *h)
{
	pthread_mutex_lock(&h->lock);
	h->first = h->next;
	h->at = 0;
	h->began_us = 0;
	pthread_mutex_unlock(&h->lock);
}

/* -- reading -- */

static struct trace_edits take_edits(const char **at, unsigned count)
{
	struct trace_edits edits = { .items = (const void *)*at, .count = count };

	*at += count * sizeof(struct trace_edit);
	return edits;
}

uint64_t history_end(struct history *h)
{
	pthread_mutex_lock(&h->lock);
	uint64_t next = h->next;
	pthread_mutex_unlock(&h->lock);
	return next;
}

/* Points into the copy. */
static void unfold(const char *room, struct past *out)
{
	const struct stored *s = (const void *)room;
	const char *at = room + sizeof(*s);

	out->record = (const void *)at;
	at += s->record_bytes;
	out->trace.request = take_edits(&at, s->request_edits);
	out->trace.response = take_edits(&at, s->response_edits);
	for (int i = 0; i < TRACE_HEADS; i++) {
		out->trace.heads[i] = span_of(at, s->head_bytes[i]);
		at += s->head_bytes[i];
	}
}

static void copy_out(const struct history *h, const struct place_of *p, char *room)
{
	memcpy(room, h->bytes + p->at, p->bytes);
}

/* Moves *position to what is still there; false when nothing is.  With the lock. */
static bool settle(const struct history *h, uint64_t *position)
{
	if (*position < h->first)
		*position = h->first;
	if (*position < h->next)
		return true;
	*position = h->next;
	return false;
}

bool history_peek(struct history *h, uint64_t *position, int64_t *ended_us)
{
	pthread_mutex_lock(&h->lock);
	bool found = settle(h, position);
	if (found) {
		const struct record *r = (const void *)(h->bytes + place_of(h, *position)->at + sizeof(struct stored));

		*ended_us = r->started_us + r->total_us;
	}
	pthread_mutex_unlock(&h->lock);
	return found;
}

bool history_read(struct history *h, uint64_t *position, char room[HISTORY_COPY_MAX], struct past *out)
{
	pthread_mutex_lock(&h->lock);
	bool found = settle(h, position);
	if (found)
		copy_out(h, place_of(h, *position), room);
	pthread_mutex_unlock(&h->lock);
	if (found)
		unfold(room, out);
	return found;
}

/*
 * Looks at some of those before the position *before, and lowers it.  All have to be looked at: those that somebody saw run
 * were numbered then, and stand where they ended.
 */
static const struct place_of *find_some(struct history *h, uint64_t exchange_id, uint64_t *before)
{
	uint64_t at = *before < h->next ? *before : h->next;
	uint64_t end = at > h->first + FIND_AT_ONCE ? at - FIND_AT_ONCE : h->first;

	while (at > end)
		if (place_of(h, --at)->exchange_id == exchange_id)
			return place_of(h, at);
	*before = end > h->first ? end : 0;
	return NULL;
}

bool history_find(struct history *h, uint64_t exchange_id, char room[HISTORY_COPY_MAX], struct past *out)
{
	const struct place_of *p = NULL;
	uint64_t before = UINT64_MAX;

	while (!p && before) {
		pthread_mutex_lock(&h->lock);
		p = find_some(h, exchange_id, &before);
		if (p)
			copy_out(h, p, room);
		pthread_mutex_unlock(&h->lock);
	}
	if (p)
		unfold(room, out);
	return p != NULL;
}
