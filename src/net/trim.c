/*
 * malloc_trim(3) beside the loops.  When to do so is for others to say.
 */
#include "net/trim.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_flag running = ATOMIC_FLAG_INIT;

static void *trim_main(void *arg)
{
	(void)arg;
	malloc_trim(0);
	atomic_flag_clear(&running);
	return NULL;
}

/* Signals are the main thread's. */
void trim_begin(void)
{
	sigset_t all, before;
	pthread_t thread;

	if (atomic_flag_test_and_set(&running))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, trim_main, NULL) == 0)
		pthread_detach(thread);
	else
		atomic_flag_clear(&running); /* another time */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
