/*
 * Which addresses the process listens on, and which socket of which worker serves each.
 *
 * Belongs to the main thread.  The descriptors themselves belong to the workers once they were told of them; here
 * they only serve to tell, at a reload, which are there already.
 */
#ifndef FRESHET_PROXY_SOCKETS_H
#define FRESHET_PROXY_SOCKETS_H

#include "config/config.h"
#include "proxy/worker.h"

struct socket_group {
	struct address asked; /* as configured */
	struct address bound; /* the same, but for port 0 */
	int *fds;             /* owned array: one a worker */
	bool kept;            /* taken over from the list before */
};

struct sockets {
	struct socket_group *groups; /* owned */
	size_t count;
	unsigned workers;
	bool inherited; /* from systemd: the configuration's listen is not looked at */
};

enum { SOCKETS_WHY_BYTES = 256 };

/* Takes over what systemd hands the process (sd_listen_fds(3)), if anything.  False with the reason. */
bool sockets_inherit(struct sockets *s, unsigned workers, char why[SOCKETS_WHY_BYTES]) MUST_CHECK;

/*
 * Fills *next with the sockets that this configuration asks for: those of *current that it still wants, and new
 * ones.  On false nothing stays open that was not before.
 */
bool sockets_plan(struct sockets *next, const struct sockets *current, const struct config *c, unsigned workers,
	char why[SOCKETS_WHY_BYTES]) MUST_CHECK;

/* Drops a plan that comes to nothing: closes what was opened for it. */
void sockets_discard(struct sockets *next);

/* Frees the lists, not the sockets. */
void sockets_fini(struct sockets *s);

/* All sockets of one worker, into out[count]. */
void sockets_of_worker(const struct sockets *s, unsigned worker, struct worker_socket *out);

#endif
