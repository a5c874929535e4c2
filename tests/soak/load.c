/*
 * The clients of the soak test: a thread each, one session after the other.
 *
 *   load PROXY_PORT SEED LIMIT_MS REFUSED UNKNOWN AUTHORITY...
 *
 * Reads "VISITORS FIRST SECONDS" from standard input, lets so many behave for so long, their session numbers from
 * FIRST on, then prints its tally and "NEXT n"; as often as it is told to.  Session n of visitor v is always the same
 * for one seed.
 */
#include "tally.h"
#include "visit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { VISITORS_MAX = 1000 };

struct visitor {
	const struct world *world;
	unsigned number;
	uint64_t session; /* the next one */
	double until_s;
	pthread_t thread;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *behave(void *arg)
{
	struct visitor *visitor = arg;
	struct visit *v = malloc(sizeof(*v));

	if (!v)
		abort();
	for (; now_s() < visitor->until_s; visitor->session++) {
		v->world = visitor->world;
		v->visitor = visitor->number;
		v->number = visitor->session;
		v->dice = dice_of(visitor->world->seed * VISITORS_MAX + visitor->number, visitor->session);
		session_run(v);
	}
	free(v);
	return NULL;
}

static uint64_t run(struct visitor *visitors, unsigned n, uint64_t first, double seconds)
{
	uint64_t next = first;

	for (unsigned i = 0; i < n; i++) {
		visitors[i].session = first;
		visitors[i].until_s = now_s() + seconds;
		if (pthread_create(&visitors[i].thread, NULL, behave, &visitors[i]))
			abort();
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(visitors[i].thread, NULL);
		next = visitors[i].session > next ? visitors[i].session : next;
	}
	return next;
}

int main(int argc, char **argv)
{
	static struct visitor visitors[VISITORS_MAX];
	static struct world world;
	unsigned long long first;
	unsigned n;
	double seconds;

	if (argc < 7 || argc > 6 + AUTHORITIES_MAX) {
		fputs("usage: load PROXY_PORT SEED LIMIT_MS REFUSED UNKNOWN AUTHORITY...\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	world = (struct world){
		.proxy_port = (unsigned)strtoul(argv[1], NULL, 10),
		.seed = strtoull(argv[2], NULL, 10),
		.limit_ms = (int)strtol(argv[3], NULL, 10),
		.refused = argv[4],
		.unknown = argv[5],
		.authority_count = (unsigned)argc - 6,
	};
	for (unsigned i = 0; i < world.authority_count; i++)
		world.authorities[i] = argv[6 + i];
	for (unsigned i = 0; i < VISITORS_MAX; i++)
		visitors[i] = (struct visitor){ .world = &world, .number = i };
	while (scanf("%u %llu %lf", &n, &first, &seconds) == 3 && n <= VISITORS_MAX) {
		uint64_t next = run(visitors, n, first, seconds);

		tally_print();
		printf("NEXT %llu\n", (unsigned long long)next);
		fflush(stdout);
	}
	return 0;
}
