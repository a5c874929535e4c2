/*
 * Work that blocks or takes long, done on a few threads beside a loop, which hears of its end.
 *
 * A thread may be stuck in a job for half a minute, so nobody ever waits for one: threads are detached, jobs are on
 * the heap, and whoever leaves last frees what they share.  Threads start with the first jobs and stay.
 */
#ifndef FRESHET_NET_JOBS_H
#define FRESHET_NET_JOBS_H

#include "net/loop.h"

/* Embedded in what it is about.  Owned by the jobs from jobs_add() until done() or drop(), which free it. */
struct job {
	struct list link;
	void (*work)(struct job *j); /* on a thread; may touch nothing of the loop's */
	void (*done)(struct job *j); /* on the loop, after work() */
	void (*drop)(struct job *j); /* instead of done(), on any thread, because the loop has left */
};

struct jobs;

/* At most that many threads, and jobs that wait for one.  NULL when memory or descriptors are out. */
struct jobs *jobs_new(struct loop *l, unsigned threads_max, unsigned waiting_max) MUST_CHECK;
void jobs_free(struct jobs *j); /* jobs that are not done are dropped; takes NULL */

/* False, with the job still the caller's, when too many wait already or there is no thread. */
bool jobs_add(struct jobs *j, struct job *job) MUST_CHECK;

#endif
