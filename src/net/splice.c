/*
 * Bytes from socket to socket through a pipe.
 */
#include "net/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	PIPE_WISH_BYTES = 512 * 1024, /* what the kernel grants an ordinary user is 1 MiB at most */
	ROUNDS_PER_TURN = 4,          /* then others have their turn */
};

bool pipe_get(struct pipe_pool *pool, struct pipe *p)
{
	int fds[2];

	if (pool->count) {
		*p = pool->kept[--pool->count];
		return true;
	}
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return false;
	int granted = fcntl(fds[1], F_SETPIPE_SZ, PIPE_WISH_BYTES);
	if (granted < 0)
		granted = fcntl(fds[1], F_GETPIPE_SZ);
	*p = (struct pipe){ .read_fd = fds[0], .write_fd = fds[1], .capacity_bytes = (uint32_t)granted };
	return true;
}

static void pipe_close(struct pipe *p)
{
	close(p->read_fd);
	close(p->write_fd);
}

void pipe_put(struct pipe_pool *pool, struct pipe *p)
{
	if (!pipe_is_open(p))
		return;
	if (p->held_bytes || pool->count == PIPES_KEPT)
		pipe_close(p);
	else
		pool->kept[pool->count++] = *p;
	*p = PIPE_CLOSED;
}

bool pipe_pool_spare_one(struct pipe_pool *pool)
{
	if (!pool->count)
		return false;
	pipe_close(&pool->kept[--pool->count]);
	return true;
}

void pipe_pool_fini(struct pipe_pool *pool)
{
	while (pool->count)
		pipe_close(&pool->kept[--pool->count]);
}

static ssize_t move(int from, int to, uint64_t n)
{
	return splice(from, NULL, to, NULL, (size_t)n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

/* Writes what the pipe holds.  SPLICE_AGAIN when all of it is gone. */
static enum splice_result drain(struct pipe *p, struct conn *to, uint64_t *given)
{
	while (p->held_bytes) {
		ssize_t n = move(p->read_fd, to->fd, p->held_bytes);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? SPLICE_SINK_FULL : SPLICE_SINK_BROKEN;
		p->held_bytes -= (uint32_t)n;
		*given += (uint64_t)n;
	}
	return SPLICE_AGAIN;
}

/* Reads as much as the pipe takes, once. */
static enum splice_result fill(struct pipe *p, struct conn *from, uint64_t limit, uint64_t *taken)
{
	uint64_t room = p->capacity_bytes - p->held_bytes;
	ssize_t n = move(from->fd, p->write_fd, limit < room ? limit : room);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? SPLICE_SOURCE_DRY : SPLICE_SOURCE_BROKEN;
	if (n == 0) {
		from->read_ended = true;
		return SPLICE_END;
	}
	p->held_bytes += (uint32_t)n;
	*taken += (uint64_t)n;
	return SPLICE_AGAIN;
}

enum splice_result splice_move(struct pipe *p, struct conn *from, struct conn *to, uint64_t limit, uint64_t *taken,
	uint64_t *given)
{
	enum splice_result result;

	*taken = *given = 0;
	result = drain(p, to, given);
	for (int round = 0; round < ROUNDS_PER_TURN && result == SPLICE_AGAIN; round++) {
		if (*taken == limit)
			return SPLICE_LIMIT;
		result = fill(p, from, limit - *taken, taken);
		if (result == SPLICE_AGAIN)
			result = drain(p, to, given);
	}
	return result == SPLICE_AGAIN && *taken == limit ? SPLICE_LIMIT : result;
}
