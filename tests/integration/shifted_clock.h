/*
 * Clocks that a test moves.  They take the place of libc's for this program and the libraries it links.
 */
#ifndef FRESHET_TESTS_SHIFTED_CLOCK_H
#define FRESHET_TESTS_SHIFTED_CLOCK_H

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long wall_ahead_s, monotonic_ahead_s;

int clock_gettime(clockid_t which, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, which, out);

	if (which == CLOCK_REALTIME)
		out->tv_sec += wall_ahead_s;
	if (which == CLOCK_MONOTONIC)
		out->tv_sec += monotonic_ahead_s;
	return result;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

#endif
