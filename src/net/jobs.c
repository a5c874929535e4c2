/*
 * Jobs on threads: one list of what is to do, one of what is finished, an eventfd that wakes the loop.
 */
#include "net/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* What the threads and the loop share.  Owned by all of them. */
struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list todo, finished; /* of struct job */
	unsigned todo_count, threads, resting;
	int wake_fd;                /* owned; an eventfd, tells the loop of finished jobs */
	bool closed;                /* the loop has left */
};

struct jobs {
	struct loop *loop;  /* borrowed */
	struct pool *pool;  /* shared */
	struct event *wake; /* owned */
	unsigned threads_max, waiting_max;
};

static void *thread_main(void *arg);

/* -- the pool -- */

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

static void drop_all(struct list *jobs)
{
	struct list *link;

	while ((link = list_shift(jobs))) {
		struct job *job = LIST_OF(link, struct job, link);

		job->drop(job);
	}
}

static void pool_free(struct pool *p)
{
	drop_all(&p->todo);
	drop_all(&p->finished);
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

bool jobs_add(struct jobs *j, struct job *job)
{
	struct pool *p = j->pool;

	pthread_mutex_lock(&p->lock);
	/* Those woken for earlier jobs still count as resting. */
	if (p->todo_count >= p->resting && p->threads < j->threads_max && thread_start(p))
		p->threads++;
	bool ok = p->threads > 0 && p->todo_count < j->waiting_max;
	if (ok) {
		list_push(&p->todo, &job->link);
		p->todo_count++;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

/* -- on the threads -- */

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

static void job_finish(struct pool *p, struct job *job)
{
	list_push(&p->finished, &job->link);
	if (eventfd_write(p->wake_fd, 1) != 0)
		log_warn("jobs: cannot wake the loop"); /* not possible below 2^64 of them */
}

static void *thread_main(void *arg)
{
	struct pool *p = arg;
	struct job *job;

	pthread_mutex_lock(&p->lock);
	while ((job = job_take(p))) {
		pthread_mutex_unlock(&p->lock);
		job->work(job);
		pthread_mutex_lock(&p->lock);
		job_finish(p, job);
	}
	bool last = --p->threads == 0;
	pthread_mutex_unlock(&p->lock);
	if (last)
		pool_free(p);
	return NULL;
}

/* -- on the loop -- */

static void wake_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *j = arg;
	struct list finished, *link;
	eventfd_t count;

	(void)what;
	j->loop->now_us = clock_us();
	if (eventfd_read(fd, &count) != 0)
		return;
	list_init(&finished);
	pthread_mutex_lock(&j->pool->lock);
	while ((link = list_shift(&j->pool->finished)))
		list_push(&finished, link);
	pthread_mutex_unlock(&j->pool->lock);
	while ((link = list_shift(&finished))) {
		struct job *job = LIST_OF(link, struct job, link);

		job->done(job);
	}
}

struct jobs *jobs_new(struct loop *l, unsigned threads_max, unsigned waiting_max)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	*j = (struct jobs){ .loop = l, .threads_max = threads_max, .waiting_max = waiting_max };
	j->pool = pool_new();
	if (j->pool)
		j->wake = event_new(l->base, j->pool->wake_fd, EV_READ | EV_PERSIST, wake_on_event, j);
	if (j->wake && event_add(j->wake, NULL) == 0)
		return j;
	jobs_free(j);
	return NULL;
}

void jobs_free(struct jobs *j)
{
	struct pool *p = j ? j->pool : NULL;

	if (j && j->wake)
		event_free(j->wake);
	free(j);
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
