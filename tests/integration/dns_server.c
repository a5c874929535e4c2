/*
 * A name server for tests.  Trusts its client: questions are taken to be well-formed.
 */
#include "dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 12, TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, NXDOMAIN = 3, PACKET_MAX = 4096, LOG_MAX = 4096 };

static const struct dns_name *table;
static int udp_fd, tcp_fd;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char name[256];
	bool tcp;
} asked[LOG_MAX];
static int asked_count;

struct question {
	char name[256];
	int type;
	size_t end; /* offset behind it */
};

static void question_parse(const uint8_t *packet, struct question *q)
{
	size_t at = HEADER, n = 0;

	while (packet[at]) {
		memcpy(q->name + n, packet + at + 1, packet[at]);
		n += packet[at];
		q->name[n++] = '.';
		at += packet[at] + 1u;
	}
	q->name[n ? n - 1 : 0] = '\0';
	q->type = packet[at + 1] << 8 | packet[at + 2];
	q->end = at + 5;
}

static void put16(uint8_t **at, unsigned value)
{
	*(*at)++ = (uint8_t)(value >> 8);
	*(*at)++ = (uint8_t)value;
}

static void put_record(uint8_t **at, unsigned owner, int type, int ttl_s, const void *data, size_t n)
{
	put16(at, owner);
	put16(at, (unsigned)type);
	put16(at, 1);
	put16(at, (unsigned)ttl_s >> 16);
	put16(at, (unsigned)ttl_s & 0xffff);
	put16(at, (unsigned)n);
	memcpy(*at, data, n);
	*at += n;
}

static size_t name_encode(const char *text, uint8_t *out)
{
	size_t n = 0;

	while (*text) {
		size_t label = strcspn(text, ".");

		out[n++] = (uint8_t)label;
		memcpy(out + n, text, label);
		n += label;
		text += label + (text[label] == '.');
	}
	out[n++] = 0;
	return n;
}

/* Writes the answer section; returns how many records. */
static unsigned put_answer(const struct dns_name *d, int type, uint8_t *packet, uint8_t **at)
{
	const char *const *texts = type == TYPE_AAAA ? d->aaaa : d->a;
	unsigned owner = 0xc000 | HEADER, count = 0;
	uint8_t data[256];

	if (d->alias) {
		put_record(at, owner, TYPE_CNAME, d->alias_ttl_s, data, name_encode(d->alias, data));
		owner = 0xc000 | (unsigned)(*at - packet - (long)strlen(d->alias) - 2);
		count++;
	}
	for (int i = 0; i < DNS_RECORDS_MAX && texts[i]; i++, count++) {
		inet_pton(type == TYPE_AAAA ? AF_INET6 : AF_INET, texts[i], data);
		put_record(at, owner, type, d->ttl_s, data, type == TYPE_AAAA ? 16 : 4);
	}
	return count;
}

static const struct dns_name *find(const char *name)
{
	static const struct dns_name none = { .rcode = NXDOMAIN };

	for (const struct dns_name *d = table; d->name; d++)
		if (strcmp(d->name, name) == 0)
			return d;
	return &none;
}

/* Turns the question in the packet into its answer; returns the length, 0 for silence. */
static size_t answer(uint8_t *packet, bool tcp)
{
	struct question q;
	unsigned count = 0;

	question_parse(packet, &q);
	pthread_mutex_lock(&lock);
	if (asked_count < LOG_MAX) {
		snprintf(asked[asked_count].name, sizeof(asked[0].name), "%s", q.name);
		asked[asked_count++].tcp = tcp;
	}
	pthread_mutex_unlock(&lock);
	const struct dns_name *d = find(q.name);
	if (d->drop || (d->drop_aaaa && q.type == TYPE_AAAA))
		return 0;
	if (d->delay_ms)
		usleep((unsigned)d->delay_ms * 1000);
	bool truncate = d->truncate && !tcp;
	uint8_t *at = packet + q.end;
	if (!d->rcode && !truncate && (q.type == TYPE_A || q.type == TYPE_AAAA))
		count = put_answer(d, q.type, packet, &at);
	packet[2] = (uint8_t)(0x85 | (truncate ? 2 : 0));
	packet[3] = (uint8_t)(0x80 | d->rcode);
	packet[6] = 0;
	packet[7] = (uint8_t)count;
	memset(packet + 8, 0, 4);
	return (size_t)(at - packet);
}

struct datagram {
	struct sockaddr_in from;
	uint8_t packet[PACKET_MAX];
};

static void *serve_datagram(void *arg)
{
	struct datagram *d = arg;
	size_t n = answer(d->packet, false);

	if (n)
		sendto(udp_fd, d->packet, n, 0, (const void *)&d->from, sizeof(d->from));
	free(d);
	return NULL;
}

static void *serve_stream(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint8_t packet[2 + PACKET_MAX];

	while (recv(fd, packet, 2, MSG_WAITALL) == 2) {
		size_t n = (size_t)packet[0] << 8 | packet[1];

		if (recv(fd, packet + 2, n, MSG_WAITALL) != (ssize_t)n)
			break;
		n = answer(packet + 2, true);
		packet[0] = (uint8_t)(n >> 8);
		packet[1] = (uint8_t)n;
		if (send(fd, packet, n + 2, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return NULL;
}

static void detach(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg) == 0)
		pthread_detach(thread);
}

static void *serve(void *arg)
{
	struct pollfd fds[] = { { .fd = udp_fd, .events = POLLIN }, { .fd = tcp_fd, .events = POLLIN } };

	(void)arg;
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents) {
			struct datagram *d = calloc(1, sizeof(*d));
			socklen_t bytes = sizeof(d->from);

			if (d && recvfrom(udp_fd, d->packet, sizeof(d->packet), 0, (void *)&d->from, &bytes) > HEADER)
				detach(serve_datagram, d);
			else
				free(d);
		}
		if (fds[1].revents)
			detach(serve_stream, (void *)(intptr_t)accept(tcp_fd, NULL, NULL));
	}
	return NULL;
}

/* One port for TCP and UDP, or -1: what is free for one may be taken for the other. */
static int bind_both(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);

	tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	udp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(tcp_fd, (const void *)&at, bytes) == 0 && getsockname(tcp_fd, (void *)&at, &bytes) == 0 &&
		bind(udp_fd, (const void *)&at, bytes) == 0 && listen(tcp_fd, 16) == 0)
		return ntohs(at.sin_port);
	close(tcp_fd);
	close(udp_fd);
	return -1;
}

int dns_server_start(const struct dns_name *names)
{
	int port = -1;

	table = names;
	for (int tries = 0; port < 0 && tries < 100; tries++)
		port = bind_both();
	if (port >= 0)
		detach(serve, NULL);
	return port;
}

int dns_server_asked(const char *name, bool tcp)
{
	int count = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < asked_count; i++)
		count += asked[i].tcp == tcp && strcmp(asked[i].name, name) == 0;
	pthread_mutex_unlock(&lock);
	return count;
}
