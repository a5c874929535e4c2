/*
 * The access log's thread.
 *
 * It drains all rings, writes what it formatted in one go, and naps for some milliseconds, during which workers
 * need not wake it: under load that makes big writes and no system calls in the workers.  After a nap that
 * brought nothing it sleeps until it is woken.
 */
#include "proxy/log_writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "inspect/redact.h"
#include "proxy/log_sink.h"

enum {
	RING_SLOTS = 1024, /* about 1.4 MiB per worker; 50 ms at 20,000 exchanges per second */
	BATCH_BYTES = 64 * 1024,
	NAP_MS = 10,
	LOST_EVERY_MS = 1000, /* how often a loss is told at most */
	STOP_S = 2,
};

static_assert(BATCH_BYTES >= 2 * ACCESS_LOG_LINE_MAX, "a batch holds lines");

/* What the main thread wants done next; later wishes replace earlier ones that were not yet seen. */
struct wishes {
	bool stop, reopen, change;
	struct log_sink sink; /* owned while `change` */
	enum access_log_format format;
};

struct log_writer {
	struct ring **rings; /* owned, one per worker */
	unsigned ring_count;
	int wake_fd;         /* owned */
	atomic_bool on;

	/* The main thread's. */
	pthread_t thread;
	bool started;
	struct log_sink prepared; /* owned */
	enum access_log_format prepared_format;

	pthread_mutex_t lock; /* for wishes; never held while writing */
	struct wishes wishes;

	/* The log thread's. */
	struct log_sink sink; /* owned */
	enum access_log_format format;
	size_t batch_len;
	uint64_t lost;        /* not yet told */
	int64_t lost_told_us;
	char batch[BATCH_BYTES];
};

static void *run(void *writer);
static struct wishes take_wishes(struct log_writer *w);
static void change_sink(struct log_writer *w, struct wishes *wishes);
static uint64_t drain(struct log_writer *w);
static void flush(struct log_writer *w);
static void tell_lost(struct log_writer *w, bool at_once);
static void rest(struct log_writer *w, enum ring_rest how);

/* ---- main thread: birth and death */

static void destroy(struct log_writer *w)
{
	for (unsigned i = 0; w->rings && i < w->ring_count; i++)
		ring_free(w->rings[i]);
	free(w->rings);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct log_writer *log_writer_new(unsigned workers)
{
	struct log_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	w->ring_count = workers;
	w->lost_told_us = clock_us() - LOST_EVERY_MS * 1000;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->rings = calloc(workers, sizeof(*w->rings));
	bool whole = w->wake_fd >= 0 && w->rings;
	for (unsigned i = 0; whole && i < workers; i++) {
		w->rings[i] = ring_new(RING_SLOTS);
		whole = w->rings[i] != NULL;
	}
	if (!whole) {
		destroy(w);
		return NULL;
	}
	return w;
}

/* Signals are for the main thread; a full disk or a file size limit comes back as an error. */
static int start_thread(struct log_writer *w)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = error == 0;
	if (w->started)
		pthread_setname_np(w->thread, "access-log");
	return error;
}

/* False when the thread did not end in time. */
static bool join_thread(struct log_writer *w)
{
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	w->wishes.stop = true;
	pthread_mutex_unlock(&w->lock);
	log_writer_wake(w);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_S;
	return pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

void log_writer_free(struct log_writer *w)
{
	if (!w)
		return;
	log_writer_cancel(w);
	if (w->started && !join_thread(w)) {
		log_error("access log: whoever reads it is stuck; the last lines are lost");
		return;
	}
	destroy(w);
}

/* ---- main thread: changes */

bool log_writer_prepare(struct log_writer *w, const char *target, enum access_log_format format, char *why,
	size_t why_bytes)
{
	log_writer_cancel(w);
	if (!log_sink_open(&w->prepared, target, why, why_bytes))
		return false;
	w->prepared_format = format;
	if (w->prepared.kind == LOG_SINK_OFF || w->started)
		return true;
	int error = start_thread(w);
	if (error) {
		snprintf(why, why_bytes, "access log: no thread: %s", strerror(error));
		log_writer_cancel(w);
		return false;
	}
	return true;
}

void log_writer_cancel(struct log_writer *w)
{
	log_sink_close(&w->prepared);
}

void log_writer_commit(struct log_writer *w)
{
	struct log_sink unseen = { .kind = LOG_SINK_OFF };

	atomic_store(&w->on, w->prepared.kind != LOG_SINK_OFF);
	pthread_mutex_lock(&w->lock);
	if (w->wishes.change)
		unseen = w->wishes.sink;
	w->wishes.change = true;
	w->wishes.sink = w->prepared;
	w->wishes.format = w->prepared_format;
	pthread_mutex_unlock(&w->lock);
	w->prepared = (struct log_sink){ .kind = LOG_SINK_OFF };
	log_sink_close(&unseen);
	log_writer_wake(w);
}

void log_writer_reopen(struct log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->wishes.reopen = true;
	pthread_mutex_unlock(&w->lock);
	log_writer_wake(w);
}

/* ---- workers */

struct ring *log_writer_ring(struct log_writer *w, unsigned worker)
{
	assert(worker < w->ring_count);
	return atomic_load_explicit(&w->on, memory_order_relaxed) ? w->rings[worker] : NULL;
}

uint64_t log_writer_lost(const struct log_writer *w)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < w->ring_count; i++)
		lost += ring_lost_ever(w->rings[i]);
	return lost;
}

void log_writer_wake(struct log_writer *w)
{
	uint64_t one = 1;

	/* Fails only when it is already full of wake-ups. */
	while (write(w->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* ---- log thread */

static void *run(void *writer)
{
	struct log_writer *w = writer;

	for (bool going = true; going;) {
		/* What was recorded before a wish is drained before it is fulfilled. */
		struct wishes wishes = take_wishes(w);

		if (w->sink.kind == LOG_SINK_OFF)
			change_sink(w, &wishes); /* nothing is owed to the old one */
		uint64_t lines = drain(w);
		flush(w);
		change_sink(w, &wishes);
		if (wishes.reopen)
			log_sink_reopen(&w->sink);
		tell_lost(w, wishes.stop);
		going = !wishes.stop;
		if (going)
			rest(w, lines ? RING_NAP : RING_SLEEP);
	}
	log_sink_close(&w->sink);
	return NULL;
}

static struct wishes take_wishes(struct log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	struct wishes wishes = w->wishes;
	w->wishes = (struct wishes){ .stop = false };
	pthread_mutex_unlock(&w->lock);
	return wishes;
}

static void change_sink(struct log_writer *w, struct wishes *wishes)
{
	if (!wishes->change)
		return;
	log_sink_continue(&wishes->sink, &w->sink);
	log_sink_close(&w->sink);
	w->sink = wishes->sink;
	w->format = wishes->format;
	wishes->change = false;
}

static void write_record(struct log_writer *w, const struct record *r)
{
	struct record shown;

	if (sizeof(w->batch) - w->batch_len < ACCESS_LOG_LINE_MAX)
		flush(w);
	memcpy(&shown, r, offsetof(struct record, url) + r->url_len);
	redact_record(&shown);
	w->batch_len += access_log_line(w->format, &shown, w->batch + w->batch_len);
}

/* Formats what the rings hold, at most one ringful of each so that no worker starves another. */
static uint64_t drain(struct log_writer *w)
{
	uint64_t lines = 0;

	for (unsigned i = 0; i < w->ring_count; i++) {
		const struct record *r;

		for (unsigned n = 0; n < RING_SLOTS && (r = ring_peek(w->rings[i])); n++) {
			if (w->sink.kind != LOG_SINK_OFF)
				write_record(w, r);
			ring_release(w->rings[i]);
			lines++;
		}
		w->lost += ring_lost(w->rings[i]);
	}
	return lines;
}

static void flush(struct log_writer *w)
{
	if (w->batch_len)
		log_sink_write(&w->sink, span_of(w->batch, w->batch_len));
	w->batch_len = 0;
}

static void tell_lost(struct log_writer *w, bool at_once)
{
	int64_t now_us = clock_us();

	if (!w->lost || (!at_once && now_us - w->lost_told_us < LOST_EVERY_MS * 1000))
		return;
	log_warn("%llu access log lines were lost: it is not written fast enough", (unsigned long long)w->lost);
	w->lost = 0;
	w->lost_told_us = now_us;
}

/* Returns when there may be something to do.  Wake-ups that came while it was busy end the rest at once. */
static void rest(struct log_writer *w, enum ring_rest how)
{
	struct pollfd wake = { .fd = w->wake_fd, .events = POLLIN };
	bool quiet = true;
	uint64_t count;

	for (unsigned i = 0; i < w->ring_count; i++)
		quiet = ring_rest(w->rings[i], how) && quiet;
	if (quiet)
		poll(&wake, 1, how == RING_NAP ? NAP_MS : w->lost ? LOST_EVERY_MS : -1);
	for (unsigned i = 0; i < w->ring_count; i++)
		ring_awake(w->rings[i]);
	if (wake.revents && read(w->wake_fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
}
