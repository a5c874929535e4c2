/* Counters by name, few enough to be looked for one after the other. */
#include "tally.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTERS = 128, FAILURES_SHOWN = 200 };

static struct {
	const char *name; /* borrowed */
	uint64_t n;
} counters[COUNTERS];
static unsigned used, failures;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void tally_add(const char *name, uint64_t n)
{
	unsigned i = 0;

	pthread_mutex_lock(&lock);
	while (i < used && strcmp(counters[i].name, name) != 0)
		i++;
	if (i == COUNTERS)
		abort();
	if (i == used)
		counters[used++].name = name;
	counters[i].n += n;
	pthread_mutex_unlock(&lock);
}

void tally_fail(const char *format, ...)
{
	va_list args;

	tally_add("failures", 1);
	pthread_mutex_lock(&lock);
	if (failures++ < FAILURES_SHOWN) {
		va_start(args, format);
		fputs("FAIL ", stdout);
		vprintf(format, args);
		putchar('\n');
		fflush(stdout);
		va_end(args);
	}
	pthread_mutex_unlock(&lock);
}

void tally_print(void)
{
	pthread_mutex_lock(&lock);
	fputs("TALLY", stdout);
	for (unsigned i = 0; i < used; i++)
		printf(" %s=%llu", counters[i].name, (unsigned long long)counters[i].n);
	putchar('\n');
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}
