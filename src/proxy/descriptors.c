/*
 * The limit of descriptors.  Spares none itself: see origins_spare_one().
 */
#include "proxy/descriptors.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/resource.h>

#include "base/log.h"

enum {
	DESCRIPTORS_OF_WORKER = 8,
	DESCRIPTORS_APART = 32, /* beside clients and origins: listeners, logs */
};

unsigned descriptors_raise(const struct config *c, unsigned workers)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return UINT_MAX;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0 && getrlimit(RLIMIT_NOFILE, &r) < 0)
		return UINT_MAX;
	uint64_t apart = DESCRIPTORS_APART + workers * DESCRIPTORS_OF_WORKER;
	uint64_t clients = r.rlim_cur > apart + 2 ? (r.rlim_cur - apart) / 2 : 1;
	if (clients < c->max_clients - c->max_clients / 10) /* what little is missing makes no difference to anybody */
		log_warn("max-clients is %u, but the %" PRIu64 " descriptors that the system allows suffice for %" PRIu64
			" clients and as many origins: allow %" PRIu64 " (LimitNOFILE=, ulimit -Hn), or lower max-clients",
			c->max_clients, (uint64_t)r.rlim_cur, clients, c->max_clients * UINT64_C(2) + apart);
	return clients < UINT_MAX ? (unsigned)clients : UINT_MAX;
}
