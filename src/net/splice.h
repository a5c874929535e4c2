/*
 * Bytes from one socket to another without passing through user space (splice(2)), by way of a pipe.
 *
 * For bulk only: below a few hundred kilobytes copying is cheaper than the two pipe descriptors.
 */
#ifndef FRESHET_NET_SPLICE_H
#define FRESHET_NET_SPLICE_H

#include "net/conn.h"

/* One direction's pipe; embedded in its owner. */
struct pipe {
	int read_fd, write_fd;  /* -1 while closed */
	uint32_t capacity_bytes;
	uint32_t held_bytes;    /* read from the source, not yet written */
};

#define PIPE_CLOSED ((struct pipe){ .read_fd = -1, .write_fd = -1 })

/* Pipes kept for reuse by one loop. */
enum { PIPES_KEPT = 16 };
struct pipe_pool {
	struct pipe kept[PIPES_KEPT];
	unsigned count;
};

static inline bool pipe_is_open(const struct pipe *p)
{
	return p->read_fd >= 0;
}

/* False when descriptors are out: the caller goes on copying. */
bool pipe_get(struct pipe_pool *pool, struct pipe *p) MUST_CHECK;

/* Gives it back; one that still holds bytes is closed.  Harmless when closed. */
void pipe_put(struct pipe_pool *pool, struct pipe *p);
/* Closes a kept one; false without any. */
bool pipe_pool_spare_one(struct pipe_pool *pool) MUST_CHECK;
void pipe_pool_fini(struct pipe_pool *pool);

enum splice_result {
	SPLICE_AGAIN,      /* its share of this turn is done, more is likely */
	SPLICE_SOURCE_DRY, /* nothing to read now, nothing held */
	SPLICE_SINK_FULL,  /* bytes are held that the sink does not take now */
	SPLICE_LIMIT,      /* `limit` bytes have been read and written */
	SPLICE_END,        /* the source ended, nothing held */
	SPLICE_SOURCE_BROKEN,
	SPLICE_SINK_BROKEN,
};

/*
 * Moves up to `limit` bytes further from the source; *taken counts what was read, *given what was written.  The
 * sink's stored output must be empty.
 */
enum splice_result splice_move(struct pipe *p, struct conn *from, struct conn *to, uint64_t limit, uint64_t *taken,
	uint64_t *given) MUST_CHECK;

#endif
