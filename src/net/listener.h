/*
 * Listening sockets: opened once by the main thread, accepted from by workers.
 *
 * Accepts in batches, pauses instead of spinning when descriptors or the client limit run out.
 */
#ifndef FRESHET_NET_LISTENER_H
#define FRESHET_NET_LISTENER_H

#include "base/address.h"
#include "base/log.h"
#include "net/loop.h"

/*
 * Opens a listening socket (SO_REUSEPORT where `shared`, TCP_NODELAY inherited by what it accepts).  *bound gets the
 * real address when port 0 was asked for.  Returns the descriptor, or -1 with *why (constant) and errno.
 */
int listener_open(const struct address *at, bool shared, struct address *bound, const char **why) MUST_CHECK;

/*
 * Whether it is an address of this machine, so that what listens on every address is reached by it.  Asks the kernel
 * which source it would send from, which for own addresses is the address itself; sends nothing.
 */
bool listener_is_own_address(const struct address *a);

struct listener {
	struct loop *loop;
	struct event event;  /* armed but while pausing */
	struct event resume; /* armed while pausing */
	int fd;            /* borrowed; -1 once stopped */
	struct log_throttle pauses;
	bool is_local;     /* a Unix socket, whose clients have no address: all zero */
	void *context;     /* the owner's */
	/* Whether there is room for one client more: otherwise it pauses, and the kernel queues clients.  NULL: always. */
	bool (*has_room)(struct listener *l);
	/*
	 * Takes over fd, non-blocking.  False: no more clients now; fd stays the listener's, which closes it and
	 * pauses.  May stop the listener.
	 */
	bool (*accepted)(struct listener *l, int fd, const struct address *client);
};

/* Starts accepting; l->has_room, l->accepted and l->context are set by the caller, who zeroed the rest. */
bool listener_start(struct listener *l, struct loop *loop, int fd) MUST_CHECK;

/*
 * Before the socket is closed for good.  Closing resets whoever the kernel has queued there or is shaking hands with, so
 * first nobody new may come (who tries asks again in a second, by himself), then the queued are accepted, as far as
 * there is room.
 */
void listener_refuse_new(struct listener *l);
void listener_accept_queued(struct listener *l);
void listener_stop(struct listener *l); /* the socket stays open; harmless the second time */

#endif
