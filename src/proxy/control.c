/*
 * The control socket's file.  Opens and removes; never accepts.
 */
#include "proxy/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/authority.h"

enum { BACKLOG = 16 };

/* -- where -- */

static bool is_auto(const struct config *c)
{
	return strcmp(c->control, "auto") == 0;
}

/* Counts it, if there is such a directory, and the path fits. */
static void add_place(char out[CONTROL_PLACES][CONTROL_PATH_BYTES], size_t *count, const char *directory, const char *name)
{
	if (!directory || directory[0] != '/' || *count == CONTROL_PLACES)
		return;
	int first = (int)span_find(span_str(directory), ':'); /* the service manager may name several */
	int n = snprintf(out[*count], CONTROL_PATH_BYTES, "%.*s%s", first, directory, name);
	*count += n > 0 && n < (int)CONTROL_PATH_BYTES;
}

size_t control_places(const struct config *c, char out[CONTROL_PLACES][CONTROL_PATH_BYTES])
{
	char state[AUTHORITY_PATH_BYTES];
	size_t count = 0;

	if (!is_auto(c)) {
		if (c->control[0] == '/')
			add_place(out, &count, c->control, "");
		return count;
	}
	add_place(out, &count, getenv("RUNTIME_DIRECTORY"), "/control");
	if (geteuid() == 0)
		add_place(out, &count, "/run/freshet", "/control");
	add_place(out, &count, getenv("XDG_RUNTIME_DIR"), "/freshet/control");
	if (authority_state_directory(state))
		add_place(out, &count, state, "/control");
	return count;
}

/* -- opening -- */

static bool fill_address(struct sockaddr_un *sa, const char *path)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(sa->sun_path, sizeof(sa->sun_path), "%s", path) < sizeof(sa->sun_path);
}

static int open_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool somebody_listens(const struct sockaddr_un *sa)
{
	int fd = open_socket();
	bool listens = fd >= 0 && (connect(fd, (const void *)sa, sizeof(*sa)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return listens;
}

/* NULL, or why the path cannot be had.  What is left of a process that is gone is removed. */
static const char *make_room(const struct sockaddr_un *sa)
{
	struct stat there;

	if (lstat(sa->sun_path, &there) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(there.st_mode))
		return "there is something else";
	if (somebody_listens(sa))
		return "another process listens there";
	return unlink(sa->sun_path) == 0 ? NULL : strerror(errno);
}

/* NULL, or why not.  The file is born with its mode: nobody else ever gets in. */
static const char *open_there(struct control *c)
{
	struct sockaddr_un sa;
	struct stat made;

	if (!fill_address(&sa, c->path))
		return "the path is too long";
	const char *why = make_room(&sa);
	if (why)
		return why;
	c->fd = open_socket();
	if (c->fd < 0 || fchmod(c->fd, 0600) != 0 || bind(c->fd, (const void *)&sa, sizeof(sa)) != 0)
		return strerror(errno);
	if (listen(c->fd, BACKLOG) != 0 || lstat(c->path, &made) != 0) {
		const char *reason = strerror(errno);

		unlink(c->path);
		return reason;
	}
	c->device = made.st_dev;
	c->inode = made.st_ino;
	return NULL;
}

/* The directory is made if only it is missing, and locked: two who start at once would take each other's file for old. */
static int lock_directory(const char *path)
{
	char directory[CONTROL_PATH_BYTES];
	int n = (int)(strrchr(path, '/') - path);

	snprintf(directory, sizeof(directory), "%.*s", n ? n : 1, path);
	mkdir(directory, 0700);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

/* NULL, or why not: then nothing is left behind. */
static const char *open_at(struct control *c, const char *path)
{
	*c = (struct control){ .fd = -1 };
	snprintf(c->path, sizeof(c->path), "%s", path);
	int directory = lock_directory(path);
	if (directory < 0)
		return strerror(errno);
	const char *why = open_there(c);
	close(directory);
	if (why && c->fd >= 0)
		close(c->fd);
	if (why)
		c->fd = -1;
	return why;
}

static bool has_place(const struct control *c, char places[CONTROL_PLACES][CONTROL_PATH_BYTES], size_t count)
{
	for (size_t i = 0; c->fd >= 0 && i < count; i++)
		if (strcmp(places[i], c->path) == 0)
			return true;
	return false;
}

bool control_plan(struct control *next, const struct control *current, const struct config *c, char why[CONTROL_WHY_BYTES])
{
	char places[CONTROL_PLACES][CONTROL_PATH_BYTES];
	size_t count = control_places(c, places);
	const char *reason = "there is no directory for it";

	*next = *current;
	if (has_place(current, places, count))
		return true;
	*next = (struct control){ .fd = -1 };
	if (strcmp(c->control, "off") == 0)
		return true;
	if (count)
		reason = open_at(next, places[0]);
	if (!reason)
		return true;
	snprintf(why, CONTROL_WHY_BYTES, "control: %s: %s", count ? places[0] : c->control, reason);
	if (!is_auto(c))
		return false;
	log_info("%s: there is no control socket", why);
	return true;
}

void control_remove(const struct control *old, const struct control *kept)
{
	struct stat there;

	if (old->fd < 0 || (kept && kept->fd == old->fd))
		return;
	if (lstat(old->path, &there) == 0 && there.st_dev == old->device && there.st_ino == old->inode)
		unlink(old->path);
}

/* -- who connects -- */

long control_peer(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 ? (long)peer.uid : -1;
}

bool control_admits(int fd)
{
	long uid = control_peer(fd);

	return uid == 0 || uid == (long)geteuid();
}
