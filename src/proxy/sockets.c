/*
 * Listening sockets across reloads.  Opens; never accepts.
 */
#include "proxy/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "net/listener.h"
#include "proxy/worker.h"

static bool group_init(struct socket_group *g, const struct address *asked, unsigned workers)
{
	*g = (struct socket_group){ .asked = *asked, .bound = *asked };
	g->fds = calloc(workers, sizeof(*g->fds));
	if (!g->fds)
		return false;
	for (unsigned i = 0; i < workers; i++)
		g->fds[i] = -1;
	return true;
}

static void group_close(struct socket_group *g, unsigned workers)
{
	for (unsigned i = 0; g->fds && i < workers; i++)
		if (g->fds[i] >= 0)
			close(g->fds[i]);
}

/* One socket a worker, all on the port that the first one got. */
static bool group_open(struct socket_group *g, unsigned workers, const char **why)
{
	for (unsigned i = 0; i < workers; i++) {
		g->fds[i] = listener_open(&g->bound, workers > 1, &g->bound, why);
		if (g->fds[i] < 0)
			return false;
	}
	return true;
}

static const struct socket_group *group_find(const struct sockets *s, const struct address *asked)
{
	for (size_t i = 0; i < s->count; i++)
		if (address_eq(&s->groups[i].asked, asked))
			return &s->groups[i];
	return NULL;
}

static bool group_keep(struct socket_group *g, const struct socket_group *from, unsigned workers)
{
	if (!group_init(g, &from->asked, workers))
		return false;
	g->bound = from->bound;
	g->kept = true;
	memcpy(g->fds, from->fds, workers * sizeof(*g->fds));
	return true;
}

static bool plan_one(struct socket_group *g, const struct sockets *current, const struct address *asked,
	unsigned workers, char why[SOCKETS_WHY_BYTES])
{
	const struct socket_group *known = group_find(current, asked);
	const char *reason = "memory is out";
	char text[ADDRESS_TEXT_MAX];

	if (known)
		return group_keep(g, known, workers);
	if (group_init(g, asked, workers) && group_open(g, workers, &reason))
		return true;
	address_format(asked, text);
	snprintf(why, SOCKETS_WHY_BYTES, "cannot listen on %s: %s: %s", text, reason, strerror(errno));
	return false;
}

/* What systemd hands over was not checked with the configuration. */
static bool may_listen(const struct sockets *s, const struct config *c, char why[SOCKETS_WHY_BYTES])
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; s->inherited && i < s->count; i++) {
		if (config_may_listen(c, &s->groups[i].bound))
			continue;
		address_format(&s->groups[i].bound, text);
		snprintf(why, SOCKETS_WHY_BYTES,
			"the inherited socket %s can be reached from other machines: say with allow which clients are served, with "
			"proxy-users which users, or set allow-any-client = yes", text);
		return false;
	}
	return true;
}

bool sockets_plan(struct sockets *next, const struct sockets *current, const struct config *c, unsigned workers,
	char why[SOCKETS_WHY_BYTES])
{
	size_t wanted = current->inherited ? current->count : c->listen.count;

	if (!may_listen(current, c, why))
		return false;
	*next = (struct sockets){ .workers = workers, .inherited = current->inherited };
	next->groups = calloc(wanted + 1, sizeof(*next->groups));
	snprintf(why, SOCKETS_WHY_BYTES, "memory is out");
	if (!next->groups)
		return false;
	if (wanted > LISTENERS_MAX) {
		snprintf(why, SOCKETS_WHY_BYTES, "%zu listening addresses, which is more than %d", wanted, LISTENERS_MAX);
		sockets_discard(next);
		return false;
	}
	for (size_t i = 0; i < wanted; i++) {
		const struct address *asked = current->inherited ? &current->groups[i].asked : &c->listen.items[i];

		next->count++;
		if (plan_one(&next->groups[i], current, asked, workers, why))
			continue;
		sockets_discard(next);
		return false;
	}
	return true;
}

void sockets_discard(struct sockets *next)
{
	for (size_t i = 0; i < next->count; i++)
		if (!next->groups[i].kept)
			group_close(&next->groups[i], next->workers);
	sockets_fini(next);
}

void sockets_fini(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->groups[i].fds);
	free(s->groups);
	*s = (struct sockets){ .count = 0 };
}

void sockets_of_worker(const struct sockets *s, unsigned worker, struct worker_socket *out)
{
	for (size_t i = 0; i < s->count; i++)
		out[i] = (struct worker_socket){ .asked = s->groups[i].asked, .fd = s->groups[i].fds[worker], .held = s->inherited };
}

/* -- from systemd -- */

static bool bound_address(int fd, struct address *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 && address_from_sockaddr((struct sockaddr *)&sa, out);
}

/* There is one socket for all workers: each gets a descriptor of its own. */
static bool inherit_one(struct socket_group *g, int fd, unsigned workers, char why[SOCKETS_WHY_BYTES])
{
	struct address bound;

	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 || !bound_address(fd, &bound)) {
		snprintf(why, SOCKETS_WHY_BYTES, "the inherited descriptor %d is not a listening TCP socket", fd);
		return false;
	}
	snprintf(why, SOCKETS_WHY_BYTES, "the inherited socket could not be shared among the workers");
	if (!group_init(g, &bound, workers) || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return false;
	for (unsigned i = 0; i < workers; i++) {
		g->fds[i] = i ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;
		if (g->fds[i] < 0)
			return false;
	}
	return true;
}

bool sockets_inherit(struct sockets *s, unsigned workers, char why[SOCKETS_WHY_BYTES])
{
	int count = sd_listen_fds(1);

	*s = (struct sockets){ .workers = workers };
	if (count <= 0)
		return true;
	snprintf(why, SOCKETS_WHY_BYTES, "memory is out");
	s->groups = calloc((size_t)count, sizeof(*s->groups));
	if (!s->groups)
		return false;
	s->inherited = true;
	for (int i = 0; i < count; i++) {
		s->count++;
		if (inherit_one(&s->groups[i], SD_LISTEN_FDS_START + i, workers, why))
			continue;
		sockets_discard(s);
		return false;
	}
	return true;
}
