/*
 * getaddrinfo() on two threads of our own, because it blocks.
 *
 * A thread may be stuck in it for half a minute, so nobody ever waits for one: threads are detached, work on a copy
 * of the name, and whoever leaves the pool last frees it.
 */
#include "net/resolve_system.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	THREADS_MAX = 2,
	SYSTEM_TTL_S = 10, /* getaddrinfo() does not tell; NSS caches on its own */
};

/* One name under way, owned by the list it is in, or by the thread that works on it. */
struct job {
	struct list link;
	struct lookup *lookup; /* borrowed; for the loop's thread only */
	struct lookup_answer answer;
	char name[];
};

/* What the threads and the loop share.  Owned by all of them. */
struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list todo, finished; /* of struct job */
	unsigned todo_count, threads, resting;
	int wake_fd;                /* owned; an eventfd, tells the loop of finished jobs */
	bool closed;                /* the loop has left */
};

struct system {
	struct resolve_backend backend;
	struct loop *loop;   /* borrowed */
	struct pool *pool;   /* shared */
	struct event *wake;  /* owned */
};

static void *thread_main(void *arg);

static struct system *system_of(struct resolve_backend *b)
{
	return LIST_OF(b, struct system, backend);
}

static void jobs_free(struct list *jobs)
{
	struct list *link;

	while ((link = list_shift(jobs)))
		free(LIST_OF(link, struct job, link));
}

/* The pool */

static struct pool *pool_new(void)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->wake_fd < 0) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	list_init(&p->todo);
	list_init(&p->finished);
	return p;
}

static void pool_free(struct pool *p)
{
	jobs_free(&p->todo);
	jobs_free(&p->finished);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	close(p->wake_fd);
	free(p);
}

/* Signals are the main thread's. */
static bool thread_start(struct pool *p)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&thread, NULL, thread_main, p) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ok)
		pthread_detach(thread);
	return ok;
}

/* Queues a job and sees to it that somebody does it.  False without any thread. */
static bool pool_add(struct pool *p, struct job *j)
{
	pthread_mutex_lock(&p->lock);
	/* Those woken for earlier jobs still count as resting. */
	if (p->todo_count >= p->resting && p->threads < THREADS_MAX && thread_start(p))
		p->threads++;
	bool ok = p->threads > 0;
	if (ok) {
		list_push(&p->todo, &j->link);
		p->todo_count++;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

/* On the threads */

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* `error` is errno, which counts with EAI_SYSTEM. */
static void answer_from(struct lookup_answer *a, int result, int error, const struct addrinfo *found)
{
	struct address address;

	a->ttl_s = SYSTEM_TTL_S;
	for (; result == 0 && found; found = found->ai_next)
		if (address_from_sockaddr(found->ai_addr, &address))
			lookup_answer_add(a, &address);
	if (a->v4_count || a->v6_count) {
		a->status = RESOLVE_OK;
	} else if (result == 0 || result == EAI_NONAME || result == EAI_NODATA || result == EAI_ADDRFAMILY) {
		a->status = RESOLVE_NOT_FOUND;
		a->reason = "no such host";
	} else if (result == EAI_MEMORY || (result == EAI_SYSTEM && is_shortage(error))) {
		a->status = RESOLVE_NO_RESOURCES;
		a->reason = "no memory or descriptors to look it up";
	} else {
		a->status = RESOLVE_FAILED;
		a->reason = result == EAI_AGAIN ? "the name service does not answer" : "the name service failed";
	}
}

static void job_do(struct job *j)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int result = getaddrinfo(j->name, NULL, &hints, &found);

	answer_from(&j->answer, result, errno, found);
	if (result == 0)
		freeaddrinfo(found);
}

/* The next job, or NULL when the pool is closed.  Called, and returns, with the lock held. */
static struct job *job_take(struct pool *p)
{
	p->resting++;
	while (!p->closed && list_empty(&p->todo))
		pthread_cond_wait(&p->work, &p->lock);
	p->resting--;
	if (p->closed)
		return NULL;
	p->todo_count--;
	return LIST_OF(list_shift(&p->todo), struct job, link);
}

static void job_finish(struct pool *p, struct job *j)
{
	list_push(&p->finished, &j->link);
	if (eventfd_write(p->wake_fd, 1) != 0)
		log_warn("resolver: cannot wake the loop"); /* not possible below 2^64 jobs */
}

static void *thread_main(void *arg)
{
	struct pool *p = arg;
	struct job *j;

	pthread_mutex_lock(&p->lock);
	while ((j = job_take(p))) {
		pthread_mutex_unlock(&p->lock);
		job_do(j);
		pthread_mutex_lock(&p->lock);
		job_finish(p, j);
	}
	bool last = --p->threads == 0;
	pthread_mutex_unlock(&p->lock);
	if (last)
		pool_free(p);
	return NULL;
}

/* On the loop */

static void wake_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct system *s = arg;
	struct list finished, *link;
	eventfd_t count;

	(void)what;
	s->loop->now_us = clock_us();
	if (eventfd_read(fd, &count) != 0)
		return;
	list_init(&finished);
	pthread_mutex_lock(&s->pool->lock);
	while ((link = list_shift(&s->pool->finished)))
		list_push(&finished, link);
	pthread_mutex_unlock(&s->pool->lock);
	while ((link = list_shift(&finished))) {
		struct job *j = LIST_OF(link, struct job, link);

		lookup_done(j->lookup, &j->answer);
		free(j);
	}
}

static void backend_ask(struct resolve_backend *b, struct lookup *k)
{
	struct system *s = system_of(b);
	size_t bytes = strlen(k->name) + 1;
	struct job *j = malloc(sizeof(*j) + bytes);

	if (j) {
		*j = (struct job){ .lookup = k };
		list_init(&j->link);
		memcpy(j->name, k->name, bytes);
		if (pool_add(s->pool, j))
			return;
	}
	const struct lookup_answer none = {
		.status = RESOLVE_NO_RESOURCES, .reason = "no memory or thread to look it up"
	};
	free(j);
	lookup_done(k, &none);
}

/* libc watches resolv.conf itself. */
static void backend_reset(struct resolve_backend *b)
{
	(void)b;
}

static void backend_free(struct resolve_backend *b)
{
	struct system *s = system_of(b);
	struct pool *p = s->pool;

	if (s->wake)
		event_free(s->wake);
	free(s);
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	bool last = p->threads == 0;
	p->closed = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	if (last)
		pool_free(p);
}

static const struct resolve_backend_ops system_ops = {
	.ask = backend_ask,
	.reset = backend_reset,
	.free = backend_free,
};

struct resolve_backend *resolve_system_new(struct loop *l)
{
	struct system *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->backend.ops = &system_ops;
	s->loop = l;
	s->pool = pool_new();
	if (s->pool)
		s->wake = event_new(l->base, s->pool->wake_fd, EV_READ | EV_PERSIST, wake_on_event, s);
	if (s->wake && event_add(s->wake, NULL) == 0)
		return &s->backend;
	backend_free(&s->backend);
	return NULL;
}
