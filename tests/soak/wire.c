/* Sockets with a time limit; heads, chunks and bodies. */
#include "wire.h"

#include "plan.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- memory -- */

void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (b->room - b->n < n) {
		b->room = b->n + n + b->room / 2 + 4096;
		b->p = realloc(b->p, b->room);
		if (!b->p)
			abort();
	}
	if (p)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		abort();
	bytes_add(b, text, (size_t)n);
}

static void add_piece(struct bytes *b, uint64_t id, int direction, size_t offset, size_t n)
{
	bytes_add(b, NULL, n);
	body_fill(id, (enum direction)direction, offset, b->p + b->n - n, n);
}

void bytes_add_body(struct bytes *b, uint64_t id, int direction, size_t n, bool chunked)
{
	struct dice d = dice_of(id, 1);
	size_t at = 0;

	if (!chunked) {
		add_piece(b, id, direction, 0, n);
		return;
	}
	while (at < n) {
		size_t piece = 1 + (size_t)dice_below(&d, dice_percent(&d, 30) ? 100 : 70000);

		piece = piece < n - at ? piece : n - at;
		bytes_printf(b, dice_percent(&d, 20) ? "%zX;ext=\"1\"\r\n" : "%zx\r\n", piece);
		add_piece(b, id, direction, at, piece);
		bytes_add(b, "\r\n", 2);
		at += piece;
	}
	bytes_printf(b, dice_percent(&d, 30) ? "0\r\nX-Trailer: %016llx\r\n\r\n" : "0\r\n\r\n", (unsigned long long)id);
}

void bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

/* -- sockets -- */

void wire_init(struct wire *w, int fd, int limit_ms)
{
	w->fd = fd;
	w->limit_ms = limit_ms;
	w->out = NULL;
	w->out_n = 0;
	w->pause_us = 0;
	w->send_failed = false;
	w->read_most = WIRE_IN_BYTES;
	w->result = WIRE_OK;
	w->why = "";
	w->at = w->n = 0;
	w->head[0] = 0;
}

static bool ended(struct wire *w, enum wire_result result)
{
	w->result = result;
	return false;
}

static bool wrong(struct wire *w, const char *why)
{
	w->why = why;
	return ended(w, WIRE_WRONG);
}

/* Sends what the socket takes now; what cannot be sent at all is dropped, the answer to it is still read. */
static void push(struct wire *w)
{
	ssize_t n = send(w->fd, w->out, w->out_n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		w->out_n = 0;
		w->send_failed = true;
		return;
	}
	if (n > 0) {
		w->out += n;
		w->out_n -= (size_t)n;
	}
}

/* Waits for one of the events; 0 when the time is up. */
static int wait_for(struct wire *w, short events)
{
	struct pollfd p = { .fd = w->fd, .events = events };

	return poll(&p, 1, w->limit_ms) > 0 ? p.revents : 0;
}

static bool take(struct wire *w)
{
	if (w->pause_us)
		usleep(w->pause_us);
	if (w->at) {
		memmove(w->in, w->in + w->at, w->n - w->at);
		w->n -= w->at;
		w->at = 0;
	}
	size_t room = WIRE_IN_BYTES - w->n;
	ssize_t n = recv(w->fd, w->in + w->n, room < w->read_most ? room : w->read_most, MSG_DONTWAIT);
	if (n > 0)
		w->n += (size_t)n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	return n > 0 || ended(w, n == 0 && !w->send_failed ? WIRE_ENDED : WIRE_BROKEN);
}

bool wire_fill(struct wire *w)
{
	size_t before = w->n - w->at;

	while (w->result == WIRE_OK && w->n - w->at == before) {
		if (w->out_n)
			push(w);
		int got = wait_for(w, (short)(POLLIN | (w->out_n ? POLLOUT : 0)));

		if (!got)
			return ended(w, WIRE_LATE);
		if ((got & (POLLIN | POLLERR | POLLHUP)) && !take(w))
			return false;
	}
	return w->result == WIRE_OK;
}

bool wire_flush(struct wire *w)
{
	while (w->out_n) {
		size_t before = w->out_n;

		push(w);
		if (w->out_n == 0 && before)
			break;
		if (w->out_n == before && !wait_for(w, POLLOUT))
			return ended(w, WIRE_LATE);
	}
	return true;
}

bool wire_send(struct wire *w, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t sent = send(w->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent < 0 && !wait_for(w, POLLOUT))
			return false;
		at += sent > 0 ? sent : 0;
		n -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

bool wire_poll_in(struct wire *w, int ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	return w->n > w->at || poll(&p, 1, ms) > 0;
}

void wire_reset(struct wire *w)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	wire_close(w);
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* -- heads -- */

enum wire_result wire_read_head(struct wire *w)
{
	size_t len = 0;

	for (;;) {
		char *end = memmem(w->in + w->at, w->n - w->at, "\r\n\r\n", 4);

		if (end) {
			len = (size_t)(end + 4 - (w->in + w->at));
			break;
		}
		if (w->n - w->at > WIRE_HEAD_MAX) {
			wrong(w, "a head too long");
			return WIRE_WRONG;
		}
		if (!wire_fill(w))
			return w->result == WIRE_ENDED && w->n > w->at ? WIRE_BROKEN : w->result;
	}
	if (len > WIRE_HEAD_MAX || memchr(w->in + w->at, 0, len)) {
		wrong(w, "a head too long, or with a NUL");
		return WIRE_WRONG;
	}
	memcpy(w->head, w->in + w->at, len);
	w->head[len] = 0;
	w->at += len;
	return WIRE_OK;
}

unsigned head_field(const char *head, const char *name, char *value, size_t room)
{
	size_t name_len = strlen(name);
	unsigned count = 0;

	value[0] = 0;
	for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, name_len) != 0 || line[2 + name_len] != ':')
			continue;
		const char *from = line + 3 + name_len, *to = strstr(from, "\r\n");
		from += strspn(from, " \t");
		if (count++ == 0)
			snprintf(value, room, "%.*s", (int)(to - from), from);
	}
	return count;
}

/* -- bodies -- */

enum wire_result wire_read_counted(struct wire *w, uint64_t n, body_sink *sink, void *arg)
{
	while (n) {
		if (w->at == w->n && !wire_fill(w))
			return w->result == WIRE_ENDED ? WIRE_BROKEN : w->result;
		size_t have = w->n - w->at < n ? w->n - w->at : (size_t)n;
		if (!sink(arg, w->in + w->at, have)) {
			wrong(w, "other bytes than its own");
			return WIRE_WRONG;
		}
		w->at += have;
		n -= have;
	}
	return WIRE_OK;
}

/* A line without its CRLF; false at the end, or when it is none. */
static bool read_line(struct wire *w, char *line, size_t room)
{
	for (;;) {
		char *end = memchr(w->in + w->at, '\n', w->n - w->at);

		if (end) {
			size_t len = (size_t)(end - (w->in + w->at));

			if (len == 0 || end[-1] != '\r' || len >= room)
				return wrong(w, "a chunk line without CRLF, or too long");
			memcpy(line, w->in + w->at, len - 1);
			line[len - 1] = 0;
			w->at += len + 1;
			return true;
		}
		if (w->n - w->at >= room)
			return wrong(w, "a chunk line too long");
		if (!wire_fill(w))
			return false;
	}
}

static enum wire_result cut(const struct wire *w)
{
	return w->result == WIRE_ENDED ? WIRE_BROKEN : w->result;
}

static enum wire_result read_trailers(struct wire *w)
{
	char line[1024];

	do {
		if (!read_line(w, line, sizeof(line)))
			return cut(w);
	} while (line[0]);
	return WIRE_OK;
}

enum wire_result wire_read_chunked(struct wire *w, body_sink *sink, void *arg)
{
	char line[1024], *end;

	for (;;) {
		if (!read_line(w, line, sizeof(line)))
			return cut(w);
		uint64_t n = strtoull(line, &end, 16);
		if (end == line || strspn(line, "0123456789abcdefABCDEF") != (size_t)(end - line) || (*end && *end != ';')) {
			wrong(w, "a chunk line without a size");
			return WIRE_WRONG;
		}
		if (n == 0)
			return read_trailers(w);
		enum wire_result result = wire_read_counted(w, n, sink, arg);
		if (result != WIRE_OK)
			return result;
		if (!read_line(w, line, sizeof(line)))
			return cut(w);
		if (line[0]) {
			wrong(w, "bytes between two chunks");
			return WIRE_WRONG;
		}
	}
}

enum wire_result wire_read_rest(struct wire *w, body_sink *sink, void *arg)
{
	do {
		if (!sink(arg, w->in + w->at, w->n - w->at)) {
			wrong(w, "other bytes than its own");
			return WIRE_WRONG;
		}
		w->at = w->n;
	} while (wire_fill(w));
	return w->result == WIRE_ENDED ? WIRE_OK : w->result;
}
