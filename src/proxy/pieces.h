/*
 * One token for all pieces of a file that a client fetches by ranges, so that they come from one version of it.
 *
 * A table of fixed size shared by all workers; what was not used for a while, and what there is no room for, is forgotten.
 */
#ifndef FRESHET_PROXY_PIECES_H
#define FRESHET_PROXY_PIECES_H

#include <pthread.h>

#include "base/address.h"

enum { PIECES_SETS = 1024, PIECES_WAYS = 4 };

struct pieces {
	pthread_mutex_t lock; /* guards the rest */
	uint64_t seed;        /* random */
	struct piece {
		uint64_t key;     /* 0: free */
		uint64_t token;
		int64_t used_us;  /* monotonic */
	} sets[PIECES_SETS][PIECES_WAYS];
};

void pieces_init(struct pieces *p, uint64_t seed);
void pieces_fini(struct pieces *p);

/*
 * The token for this client's pieces of that URL: the one it had before, or else `fresh`.  A piece that is `first` begins
 * anew, unless the last one was asked for just now, by another connection of the same download.
 */
uint64_t pieces_token(struct pieces *p, const struct address *client, struct span url, bool first, uint64_t fresh);

#endif
