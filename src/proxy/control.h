/*
 * The control socket: a Unix socket where freshet's own pages are asked for, and nothing else, by who may: the user that the
 * process runs as, and root.
 *
 * Belongs to the main thread, like the other listening sockets (sockets.h); its first worker serves it.
 */
#ifndef FRESHET_PROXY_CONTROL_H
#define FRESHET_PROXY_CONTROL_H

#include <sys/types.h>
#include <sys/un.h>

#include "config/config.h"

enum { CONTROL_PATH_BYTES = sizeof(((struct sockaddr_un *)NULL)->sun_path), CONTROL_WHY_BYTES = 256, CONTROL_PLACES = 4 };

/* All zero, but for the descriptor, there is none. */
struct control {
	int fd;      /* its worker's, once that was told; -1 none */
	dev_t device; /* which file it is, so that nobody else's is removed */
	ino_t inode;
	char path[CONTROL_PATH_BYTES];
};

/*
 * Where it may be, by the option control: at a path, nowhere (off), or, with auto, in the usual places, the best first.
 * How many these are.
 */
size_t control_places(const struct config *c, char out[CONTROL_PLACES][CONTROL_PATH_BYTES]);

/*
 * The socket that this configuration asks for: *current, where it is still that, or a new one.  What a process that is gone
 * has left there is replaced; what one that lives listens on is not.  False with the reason.  With auto it can do without,
 * and the log says why.
 */
bool control_plan(struct control *next, const struct control *current, const struct config *c, char why[CONTROL_WHY_BYTES])
	MUST_CHECK;

/* Removes the file, if it is still ours, unless `kept` has it; NULL: nobody has.  The descriptor stays open. */
void control_remove(const struct control *old, const struct control *kept);

/* Whether who connected may: the same user, or root. */
bool control_admits(int fd) MUST_CHECK;

/* The number of the user at the other end; -1 when it cannot be told. */
long control_peer(int fd);

#endif
