/*
 * The capricious origin of the soak test: a thread per connection, each request answered as its plan wants.
 *
 *   origin            listens on two free ports of 127.0.0.1 and, where there is IPv6, one of [::1]; prints
 *                     "PORTS a b c"
 *
 * Behind the first port strangers' answers are sent, too.  The others are spared them: a proxy that stops reusing
 * connections to an origin that does such things still reuses theirs.
 *
 * Ends with standard input, and then prints its tally.  Judges every request that it reads: fields that were
 * not to come through, bodies byte by byte, a POST that comes twice.
 */
#include "plan.h"
#include "raw.h"
#include "tally.h"
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_MS = 60000, STACK_BYTES = 256 * 1024, SEEN = 1 << 16 };

static const char stranger[] = "HTTP/1.1 200 OK\r\nX-Id: stranger\r\nContent-Length: 8\r\n\r\nSTRANGER";
static _Atomic uint64_t seen_posts[SEEN];

enum { CAPRICIOUS_FOUR, HONEST_FOUR, HONEST_SIX, PORTS };

struct listener {
	const char *host;
	bool honest;
	int fd;
};

struct conn {
	bool honest;
	struct wire wire;
};

struct asked {
	struct plan plan;
	bool direct;       /* through a tunnel: nobody edited its head */
	bool upgrade;
	bool chunked;
	uint64_t length;   /* of the body, when it is not chunked */
};

/* -- requests -- */

static bool misses(struct wire *w, uint64_t id, const char *what)
{
	tally_fail("origin: exchange %016llx: %s: %.300s", (unsigned long long)id, what, w->head);
	return false;
}

/* What a request must look like behind the proxy. */
static bool check_edited(struct wire *w, const struct asked *a)
{
	char value[256];

	if (head_field(w->head, "Via", value, sizeof(value)) < 1)
		return misses(w, a->plan.id, "no Via");
	if (head_field(w->head, "Proxy-Connection", value, sizeof(value)) ||
		head_field(w->head, "X-Named", value, sizeof(value)))
		return misses(w, a->plan.id, "a hop-by-hop field came through");
	if (!plan_has_upload(&a->plan) && head_field(w->head, "If-None-Match", value, sizeof(value)))
		return misses(w, a->plan.id, "a condition came through");
	if (head_field(w->head, "Cache-Control", value, sizeof(value)) != 1 || strncmp(value, "no-cache", 8) != 0)
		return misses(w, a->plan.id, "Cache-Control was not set");
	return true;
}

/* False when the request is not one that a client of ours has sent. */
static bool understand(struct wire *w, struct asked *a)
{
	char method[8] = "", value[256];
	unsigned long long id = 0, again = 0;

	if (sscanf(w->head, "%7[A-Z] /x/%16llx HTTP/1.1\r\n", method, &id) != 2)
		return misses(w, 0, "a start line of nobody's");
	*a = (struct asked){ .plan = plan_of(id) };
	if (strcmp(method, verb_names[a->plan.verb]) != 0 && !head_field(w->head, "Upgrade", value, sizeof(value)))
		return misses(w, id, "another method");
	if (head_field(w->head, "X-Check", value, sizeof(value)) != 1 || sscanf(value, "%16llx", &again) != 1 || again != id)
		return misses(w, id, "fields of another request");
	if (head_field(w->head, "Host", value, sizeof(value)) != 1)
		return misses(w, id, "not one Host");
	a->upgrade = head_field(w->head, "Upgrade", value, sizeof(value)) == 1;
	a->direct = head_field(w->head, "X-Direct", value, sizeof(value)) == 1;
	a->chunked = head_field(w->head, "Transfer-Encoding", value, sizeof(value)) == 1;
	unsigned lengths = head_field(w->head, "Content-Length", value, sizeof(value));
	a->length = strtoull(value, NULL, 10);
	if (lengths > 1 || (lengths && a->chunked))
		return misses(w, id, "ambiguous framing");
	if (!a->upgrade && !a->chunked && a->length != a->plan.up_bytes)
		return misses(w, id, "another length");
	if (a->plan.verb == VERB_POST && !a->upgrade && atomic_exchange(&seen_posts[id % SEEN], id) == id)
		return misses(w, id, "a POST that came twice");
	return a->direct || check_edited(w, a);
}

struct upload {
	uint64_t id, got;
};

static bool take_upload(void *arg, const char *p, size_t n)
{
	struct upload *u = arg;

	if (!body_matches(u->id, UP, u->got, p, n))
		return false;
	u->got += n;
	return true;
}

/* False when it did not come whole, which is nobody's fault but must show. */
static bool read_upload(struct wire *w, const struct asked *a)
{
	struct upload u = { .id = a->plan.id };
	enum wire_result result = a->chunked ? wire_read_chunked(w, take_upload, &u) :
					       wire_read_counted(w, a->length, take_upload, &u);

	tally_add("bytes-up-checked", u.got);
	if (result == WIRE_WRONG)
		return misses(w, a->plan.id, w->why);
	if (result == WIRE_LATE)
		return misses(w, a->plan.id, "an upload that neither goes on nor ends");
	if (result != WIRE_OK) {
		tally_add("uploads-cut", 1);
		return false;
	}
	if (u.got != a->plan.up_bytes)
		return misses(w, a->plan.id, "an upload that seems whole and is not");
	if (a->plan.up_bytes)
		tally_add("uploads-whole", 1);
	return true;
}

/* -- answers -- */

static void add_head(struct bytes *out, const struct plan *p, bool whole_upload)
{
	unsigned long long id = p->id;

	bytes_printf(out, "HTTP/1.1 200 OK\r\nX-Id: %016llx\r\nCache-Control: max-age=600\r\nETag: \"%llx\"\r\n", id, id);
	if (whole_upload)
		bytes_printf(out, "X-Got: %zu\r\n", p->up_bytes);
	switch (p->down_framing) {
	case BODY_LENGTH:
		bytes_printf(out, "Content-Length: %zu\r\n\r\n", p->down_bytes);
		return;
	case BODY_CHUNKED:
		bytes_printf(out, "Transfer-Encoding: chunked\r\n\r\n");
		return;
	case BODY_CLOSE:
		bytes_printf(out, "Connection: close\r\n\r\n");
		return;
	}
}

static void add_answer(struct bytes *out, const struct plan *p, bool whole_upload)
{
	add_head(out, p, whole_upload);
	if (p->verb != VERB_HEAD)
		bytes_add_body(out, p->id, DOWN, p->down_bytes, p->down_framing == BODY_CHUNKED);
}

static void add_bad_head(struct bytes *out, struct dice *d)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
		"HTTP/3.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nabc",
	};
	const char *head = heads[dice_below(d, sizeof(heads) / sizeof(heads[0]))];

	bytes_add(out, head, strlen(head));
}

static void add_junk(struct bytes *out, struct dice *d)
{
	for (unsigned i = 0; i < 50; i++) {
		char c = (char)(dice_next(d) | 0x80);

		bytes_add(out, &c, 1);
	}
	bytes_add(out, "\r\n\r\n", 4);
}

static void add_bad_chunks(struct bytes *out, const struct plan *p, struct dice *d)
{
	static const char *const bad[] = {
		"zz\r\n", "-1\r\n", "5\nabcde\r\n", "ffffffffffffffff1\r\n", " 5\r\n", "\r\n", "0x5\r\n",
	};
	size_t good = p->down_bytes / 2;

	add_head(out, p, true);
	bytes_printf(out, "%zx\r\n", good);
	size_t at = out->n;
	bytes_add(out, NULL, good);
	body_fill(p->id, DOWN, 0, out->p + at, good);
	const char *line = bad[dice_below(d, sizeof(bad) / sizeof(bad[0]))];
	bytes_printf(out, "\r\n%s", line);
}

/* What is sent, and whether the connection goes on behind it. */
static bool compose(struct bytes *out, const struct plan *p, struct dice *d, bool whole_upload)
{
	switch (p->fault) {
	case FAULT_NONE:
	case FAULT_SLOW:
	case FAULT_DRIP:
	case FAULT_DUPLEX:
		add_answer(out, p, whole_upload);
		return p->down_framing != BODY_CLOSE;
	case FAULT_INTERIM:
	case FAULT_INTERIM_FLOOD:
		for (uint64_t i = p->fault == FAULT_INTERIM ? 1 + dice_below(d, 16) : 17 + dice_below(d, 500); i; i--)
			bytes_printf(out, "HTTP/1.1 103 Early Hints\r\nLink: </%llx>\r\n\r\n", (unsigned long long)p->id);
		add_answer(out, p, whole_upload);
		return p->down_framing != BODY_CLOSE && p->fault == FAULT_INTERIM;
	case FAULT_EXTRA:
		add_answer(out, p, whole_upload);
		bytes_add(out, stranger, sizeof(stranger) - 1);
		return true;
	case FAULT_CLOSE_AFTER:
	case FAULT_HALF_CLOSE_AFTER:
	case FAULT_CUT:
	case FAULT_STALL:
		add_answer(out, p, whole_upload);
		if (p->fault == FAULT_CUT || p->fault == FAULT_STALL)
			out->n = 20 + dice_below(d, out->n - 60);
		return false;
	case FAULT_JUNK:
		add_junk(out, d);
		return false;
	case FAULT_HALF_HEAD:
		add_head(out, p, whole_upload);
		out->n = 1 + dice_below(d, out->n - 1);
		return false;
	case FAULT_BAD_HEAD:
		add_bad_head(out, d);
		return false;
	case FAULT_BAD_CHUNK:
		add_bad_chunks(out, p, d);
		return false;
	case FAULT_EARLY:
		bytes_printf(out, "HTTP/1.1 413 No\r\nX-Id: %016llx\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
			(unsigned long long)p->id);
		return false;
	case FAULT_RESET:
	case FAULT_CLOSE:
	case FAULT_RESET_UPLOAD:
	case FAULT_NEVER:
	case FAULT_COUNT:
		break;
	}
	return false;
}

static bool say(struct wire *w, const struct bytes *out, const struct plan *p, struct dice *d)
{
	size_t step = p->fault == FAULT_DRIP ? out->n / (5 + dice_below(d, 20)) + 1 : out->n;

	for (size_t at = 0; at < out->n; at += step) {
		if (!wire_send(w, out->p + at, step < out->n - at ? step : out->n - at))
			return false;
		if (p->fault == FAULT_DRIP)
			usleep(1000);
	}
	return true;
}

/* Until the proxy has had enough of waiting. */
static void wait_for_the_end(struct wire *w)
{
	do
		w->at = w->n = 0;
	while (wire_fill(w));
}

static void leave(struct wire *w, const struct plan *p)
{
	if (p->fault == FAULT_NEVER || p->fault == FAULT_STALL || p->fault == FAULT_HALF_CLOSE_AFTER) {
		if (p->fault == FAULT_HALF_CLOSE_AFTER)
			shutdown(w->fd, SHUT_WR);
		wait_for_the_end(w);
	} else if (p->fault == FAULT_EARLY) {
		/* As an origin does that wants its answer to be read: nothing more is said, the upload drained a while. */
		shutdown(w->fd, SHUT_WR);
		w->limit_ms = 50;
		wait_for_the_end(w);
	} else if (p->fault == FAULT_RESET || p->fault == FAULT_RESET_UPLOAD || (p->fault == FAULT_CUT && p->ends_by_reset)) {
		wire_reset(w);
	}
}

/* True when another request may follow. */
static bool answer(struct wire *w, const struct asked *a)
{
	const struct plan *p = &a->plan;
	struct dice d = dice_of(p->id, 3);
	struct bytes out = { 0 };
	bool early = p->fault == FAULT_EARLY || p->fault == FAULT_DUPLEX;

	if (p->fault == FAULT_RESET_UPLOAD) {
		if (w->at == w->n)
			wire_fill(w);
		usleep((useconds_t)dice_below(&d, 2000));
		leave(w, p);
		return false;
	}
	if (!early && !read_upload(w, a))
		return false;
	if (p->fault == FAULT_SLOW)
		usleep((useconds_t)dice_below(&d, 200000));
	bool on = compose(&out, p, &d, !early);
	on = say(w, &out, p, &d) && on;
	bytes_free(&out);
	if (p->fault == FAULT_DUPLEX && !read_upload(w, a))
		return false;
	if (!on)
		leave(w, p);
	return on;
}

/* -- tunnels -- */

static void tunnel(struct wire *w, const struct asked *a)
{
	struct raw raw = raw_of(a->plan.id);
	struct bytes out = { 0 };

	bytes_printf(&out, "HTTP/1.1 101 Switching Protocols\r\nX-Id: %016llx\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		(unsigned long long)a->plan.id);
	bool sent = wire_send(w, out.p, out.n);
	bytes_free(&out);
	if (!sent)
		return;
	if (raw.origin_resets) {
		bytes_add_body(&out, a->plan.id, DOWN, (size_t)raw.down_bytes / 2, false);
		wire_send(w, out.p, out.n);
		bytes_free(&out);
		wire_reset(w);
		tally_add("tunnels-reset", 1);
		return;
	}
	uint64_t got = raw_run(w, a->plan.id, DOWN, raw.down_bytes);
	tally_add("bytes-up-checked", got);
	if (w->result == WIRE_WRONG)
		tally_fail("origin: tunnel %016llx: %s", (unsigned long long)a->plan.id, w->why);
	else if (w->result == WIRE_ENDED && got != raw.up_bytes)
		tally_fail("origin: tunnel %016llx: seems whole after %llu of %llu bytes", (unsigned long long)a->plan.id,
			(unsigned long long)got, (unsigned long long)raw.up_bytes);
	else
		tally_add(w->result == WIRE_ENDED ? "tunnels-whole" : "tunnels-cut", 1);
}

/* -- connections -- */

static void serve(struct conn *c)
{
	struct wire *w = &c->wire;
	struct asked a;

	for (;;) {
		switch (wire_read_head(w)) {
		case WIRE_OK:
			break;
		case WIRE_WRONG:
			tally_fail("origin: %s", w->why);
			return;
		case WIRE_BROKEN:
		case WIRE_ENDED:
		case WIRE_LATE:
			return;
		}
		if (!understand(w, &a))
			return;
		if (c->honest && a.plan.fault == FAULT_EXTRA)
			a.plan.fault = FAULT_NONE;
		tally_add("requests", 1);
		tally_add(fault_kinds[a.plan.fault].name, 1);
		if (a.upgrade) {
			tunnel(w, &a);
			return;
		}
		if (!answer(w, &a))
			return;
	}
}

static void *connection(void *arg)
{
	struct conn *c = arg;

	serve(c);
	wire_close(&c->wire);
	free(c);
	return NULL;
}

static void start(int fd, bool honest)
{
	struct conn *c = malloc(sizeof(*c));
	pthread_attr_t attr;
	pthread_t thread;
	int on = 1;

	if (!c)
		abort();
	c->honest = honest;
	wire_init(&c->wire, fd, LIMIT_MS);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	tally_add("connections", 1);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, connection, c))
		abort();
	pthread_attr_destroy(&attr);
}

static void *accept_all(void *arg)
{
	const struct listener *l = arg;

	for (;;) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			start(fd, l->honest);
		else
			usleep(1000);
	}
	return NULL;
}

/* The port, or 0 where the address does not exist. */
static unsigned listen_on(struct listener *l)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	bool is_six = strchr(l->host, ':');
	struct sockaddr *at = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t len = is_six ? sizeof(six) : sizeof(four);

	inet_pton(at->sa_family, l->host, is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr);
	l->fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || bind(l->fd, at, len) || listen(l->fd, 4096) || getsockname(l->fd, at, &len))
		return 0;
	return ntohs(is_six ? six.sin6_port : four.sin_port);
}

int main(void)
{
	static struct listener listeners[PORTS] = {
		[CAPRICIOUS_FOUR] = { "127.0.0.1", false, -1 },
		[HONEST_FOUR] = { "127.0.0.1", true, -1 },
		[HONEST_SIX] = { "::1", true, -1 },
	};
	unsigned ports[PORTS];
	pthread_t thread;
	char nothing[64];

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < PORTS; i++) {
		ports[i] = listen_on(&listeners[i]);
		if (ports[i] && pthread_create(&thread, NULL, accept_all, &listeners[i]))
			return 1;
	}
	printf("PORTS %u %u %u\n", ports[CAPRICIOUS_FOUR], ports[HONEST_FOUR], ports[HONEST_SIX]);
	fflush(stdout);
	while (read(STDIN_FILENO, nothing, sizeof(nothing)) > 0)
		;
	tally_print();
	return 0;
}
