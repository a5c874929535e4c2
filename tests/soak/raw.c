/* Both directions of a tunnel. */
#include "raw.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

struct raw raw_of(uint64_t id)
{
	struct dice d = dice_of(id, 2);
	uint64_t most = dice_percent(&d, 20) ? 3 << 20 : 50000;

	return (struct raw){ dice_below(&d, most), dice_below(&d, most), dice_percent(&d, 15) };
}

/* False when the peer takes no more. */
static bool give(struct wire *w, uint64_t id, enum direction d, uint64_t *at, uint64_t end)
{
	char piece[32 * 1024];
	size_t n = end - *at < sizeof(piece) ? (size_t)(end - *at) : sizeof(piece);

	body_fill(id, d, *at, piece, n);
	ssize_t sent = send(w->fd, piece, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0) {
		w->send_failed = errno != EAGAIN && errno != EINTR;
		return !w->send_failed;
	}
	*at += (uint64_t)sent;
	return true;
}

/* What has been read is checked and gone; false when it is wrong. */
static bool check(struct wire *w, uint64_t id, enum direction d, uint64_t *got)
{
	if (!body_matches(id, d, *got, w->in + w->at, w->n - w->at)) {
		w->result = WIRE_WRONG;
		w->why = "other bytes than its own in a tunnel";
		return false;
	}
	*got += w->n - w->at;
	w->at = w->n;
	return true;
}

uint64_t raw_run(struct wire *w, uint64_t id, enum direction mine, uint64_t send_n)
{
	enum direction theirs = mine == UP ? DOWN : UP;
	uint64_t sent = 0, got = 0;
	bool sending = true, reading = true;

	while (check(w, id, theirs, &got) && (sending || reading)) {
		if (sending && sent == send_n) {
			shutdown(w->fd, SHUT_WR);
			sending = false;
			continue;
		}
		struct pollfd p = { .fd = w->fd, .events = (short)((reading ? POLLIN : 0) | (sending ? POLLOUT : 0)) };
		if (poll(&p, 1, w->limit_ms) <= 0) {
			w->result = WIRE_LATE;
			break;
		}
		if (sending && (p.revents & (POLLOUT | POLLERR)) && !give(w, id, mine, &sent, send_n))
			sending = false;
		if (reading && (p.revents & (POLLIN | POLLERR | POLLHUP)))
			reading = wire_fill(w);
	}
	return got;
}
