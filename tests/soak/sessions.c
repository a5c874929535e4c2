/* The many ways to behave as a client.  Each begins with a new connection, which session_run() made. */
#include "raw.h"
#include "tally.h"
#include "visit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- as it should be -- */

static bool exchange(struct visit *v, const struct manner *m)
{
	struct plan p = visit_plan(v, m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, m);
	visit_say(v, &out);
	bool on = visit_hear(v, &p, m);
	v->wire.out_n = 0;
	bytes_free(&out);
	return on;
}

static void keep_alive(struct visit *v)
{
	struct manner m = { 0 };

	for (uint64_t n = 1 + dice_below(&v->dice, 12); n && exchange(v, &m); n--)
		if (dice_percent(&v->dice, 3))
			usleep((useconds_t)dice_below(&v->dice, 300000));
}

static void pipeline(struct visit *v)
{
	enum { MOST = 8 };
	struct manner m = { 0 };
	struct plan plans[MOST];
	bool on = true;

	for (uint64_t batches = 1 + dice_below(&v->dice, 3); batches && on; batches--) {
		struct bytes out = { 0 };
		unsigned n = 2 + (unsigned)dice_below(&v->dice, MOST - 1);

		for (unsigned i = 0; i < n; i++) {
			plans[i] = visit_plan(v, &m);
			visit_add_request(v, &out, &plans[i], &m);
		}
		visit_say(v, &out);
		for (unsigned i = 0; i < n && on; i++)
			on = visit_hear(v, &plans[i], &m);
		on = on && v->wire.out_n == 0;
		v->wire.out_n = 0;
		bytes_free(&out);
	}
}

static void old(struct visit *v)
{
	struct manner m = { .old = true, .old_keep_alive = dice_percent(&v->dice, 50) };

	while (exchange(v, &m))
		;
}

/* Waits for a 100 before the body, but not for ever (RFC 9110 section 10.1.1). */
static void expect(struct visit *v)
{
	struct manner m = { .expect = true };
	struct plan p = visit_plan(v, &m);
	struct bytes head = { 0 }, body = { 0 };

	visit_add_head(v, &head, &p, &m);
	bytes_add_body(&body, p.id, UP, p.up_bytes, p.up_chunked);
	if (wire_send(&v->wire, head.p, head.n)) {
		wire_poll_in(&v->wire, (int)dice_below(&v->dice, 50));
		visit_say(v, &body);
		visit_hear(v, &p, &m);
	}
	bytes_free(&head);
	bytes_free(&body);
}

static void slow_reader(struct visit *v)
{
	struct manner m = { 0 };

	wire_close(&v->wire);
	if (!visit_dial(v, 8192))
		return;
	v->wire.pause_us = 1000 + (unsigned)dice_below(&v->dice, 3000);
	v->wire.read_most = 1000 + dice_below(&v->dice, 30000);
	exchange(v, &m);
}

static void slow_writer(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p = visit_plan(v, &m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, &m);
	size_t pieces = 2 + dice_below(&v->dice, 40), step = out.n / pieces + 1;
	for (size_t at = 0; at < out.n && wire_send(&v->wire, out.p + at, step < out.n - at ? step : out.n - at); at += step)
		usleep(500);
	visit_hear(v, &p, &m);
	bytes_free(&out);
}

/* -- tunnels -- */

static bool open_tunnel(struct visit *v)
{
	const char *authority = v->world->authorities[dice_below(&v->dice, v->world->authority_count)];
	struct bytes out = { 0 };
	unsigned status = 0;

	bytes_printf(&out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority);
	bool sent = wire_send(&v->wire, out.p, out.n);
	bytes_free(&out);
	if (sent && wire_read_head(&v->wire) == WIRE_OK && sscanf(v->wire.head, "HTTP/1.1 %3u", &status) == 1 && status == 200)
		return true;
	visit_fail(v, NULL, "no tunnel to %s: %.200s", authority, v->wire.head);
	return false;
}

static void tunnel(struct visit *v)
{
	struct manner m = { .direct = true };

	if (!open_tunnel(v))
		return;
	for (uint64_t n = 1 + dice_below(&v->dice, 5); n && exchange(v, &m); n--)
		;
	tally_add("tunnels", 1);
}

/* Asks for another protocol; true when the origin agreed. */
static bool switch_protocol(struct visit *v, uint64_t id, bool direct)
{
	const char *authority = v->world->authorities[dice_below(&v->dice, v->world->authority_count)];
	struct bytes out = { 0 };
	unsigned status = 0;

	bytes_printf(&out, "GET %s%s/x/%016llx HTTP/1.1\r\nHost: %s\r\nX-Check: %016llx\r\n%sUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		direct ? "" : "http://", direct ? "" : authority, (unsigned long long)id, authority, (unsigned long long)id,
		direct ? "X-Direct: 1\r\n" : "");
	bool sent = wire_send(&v->wire, out.p, out.n);
	bytes_free(&out);
	enum wire_result result = sent ? wire_read_head(&v->wire) : WIRE_BROKEN;
	if (result == WIRE_OK && sscanf(v->wire.head, "HTTP/1.1 %3u", &status) == 1 && status == 101)
		return true;
	if (!raw_of(id).origin_resets) /* whose reset may overtake its head */
		visit_fail(v, NULL, "no upgrade %016llx: %.200s", (unsigned long long)id, v->wire.head);
	return false;
}

static void raw(struct visit *v, uint64_t id)
{
	struct raw raw = raw_of(id);
	uint64_t got = raw_run(&v->wire, id, UP, raw.up_bytes);

	tally_add("bytes-down-checked", got);
	tally_add("raw-tunnels", 1);
	if (v->wire.result == WIRE_WRONG || v->wire.result == WIRE_LATE)
		visit_fail(v, NULL, "raw %016llx: %s", (unsigned long long)id,
			v->wire.result == WIRE_LATE ? "waits too long" : v->wire.why);
	else if (v->wire.result == WIRE_ENDED && got != raw.down_bytes)
		visit_fail(v, NULL, "raw %016llx: seems whole after %llu of %llu bytes", (unsigned long long)id,
			(unsigned long long)got, (unsigned long long)raw.down_bytes);
	else if (v->wire.result == WIRE_BROKEN && !raw.origin_resets)
		visit_fail(v, NULL, "raw %016llx: broke off after %llu of %llu bytes", (unsigned long long)id,
			(unsigned long long)got, (unsigned long long)raw.down_bytes);
}

static void raw_tunnel(struct visit *v)
{
	uint64_t id = dice_next(&v->dice);

	if (open_tunnel(v) && switch_protocol(v, id, true))
		raw(v, id);
}

static void upgrade(struct visit *v)
{
	uint64_t id = dice_next(&v->dice);

	if (switch_protocol(v, id, false))
		raw(v, id);
}

/* -- clients that leave -- */

static void leave(struct visit *v)
{
	if (dice_percent(&v->dice, 50))
		wire_reset(&v->wire);
	else
		wire_close(&v->wire);
}

static void abort_sending(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p = visit_plan(v, &m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, &m);
	wire_send(&v->wire, out.p, dice_below(&v->dice, out.n));
	usleep((useconds_t)dice_below(&v->dice, 2000));
	leave(v);
	tally_add("client-aborts", 1);
	bytes_free(&out);
}

static void abort_receiving(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p = visit_plan(v, &m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, &m);
	visit_say(v, &out);
	if (dice_percent(&v->dice, 80) && wire_fill(&v->wire) && dice_percent(&v->dice, 50))
		usleep((useconds_t)dice_below(&v->dice, 20000));
	leave(v);
	tally_add("client-aborts", 1);
	bytes_free(&out);
}

static void abort_raw(struct visit *v)
{
	uint64_t id = dice_next(&v->dice);

	if (switch_protocol(v, id, false) && raw_of(id).up_bytes) {
		struct bytes out = { 0 };

		bytes_add_body(&out, id, UP, dice_below(&v->dice, raw_of(id).up_bytes), false);
		visit_say(v, &out);
		wire_fill(&v->wire);
		bytes_free(&out);
	}
	wire_reset(&v->wire);
	tally_add("client-aborts", 1);
}

static void half_close(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p = visit_plan(v, &m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, &m);
	if (wire_send(&v->wire, out.p, out.n)) {
		shutdown(v->wire.fd, SHUT_WR);
		visit_hear(v, &p, &m);
		tally_add("client-half-closes", 1);
	}
	bytes_free(&out);
}

/* Nothing may be answered but that the request was bad, or what the origin said before it was. */
static void half_close_amid(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p = visit_plan(v, &m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, &m);
	wire_send(&v->wire, out.p, dice_below(&v->dice, out.n));
	shutdown(v->wire.fd, SHUT_WR);
	struct answer a = visit_read_answer(v, &p, &m);
	bool may_be_early = p.fault == FAULT_DUPLEX || p.fault == FAULT_EARLY || a.status == 502;
	if (a.got == GOT_WHOLE && a.status != 400 && !may_be_early)
		visit_fail(v, &p, "status %u for a request that was not whole", a.status);
	tally_add("client-half-closes", 1);
	bytes_free(&out);
}

/* -- clients that talk nonsense -- */

static void add_garbage(struct visit *v, struct bytes *out)
{
	for (uint64_t n = 1 + dice_below(&v->dice, 300); n; n--) {
		char c = (char)dice_next(&v->dice);

		bytes_add(out, &c, 1);
	}
	bytes_add(out, "\r\n\r\n", 4);
}

/* A whole request has its answer, whatever comes behind it. */
static void garbage(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p = visit_plan(v, &m);
	struct bytes out = { 0 };

	visit_add_request(v, &out, &p, &m);
	bytes_printf(&out, "\x01 garbage");
	add_garbage(v, &out);
	visit_say(v, &out);
	if (visit_hear(v, &p, &m))
		visit_hear_error(v, "garbage", 400, 400);
	bytes_free(&out);
}

static void bad_request(struct visit *v)
{
	static const struct {
		const char *head;
		unsigned status;
	} bad[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400 },
		{ "GET http://h/ HTTP/1.1\r\nHost: h\r\nX : 1\r\n\r\n", 400 },
		{ "GET http://h/ HTTP/1.1\r\nHost: h\r\n X: 1\r\n\r\n", 400 },
		{ "GET http://h/ HTTP/1.1\nHost: h\n\n", 400 },
		{ "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
		{ "POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400 },
		{ "POST http://h/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400 },
		{ "GET http://h/ HTTP/2.0\r\nHost: h\r\n\r\n", 505 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
		{ "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400 },
	};
	uint64_t which = dice_below(&v->dice, sizeof(bad) / sizeof(bad[0]) + 1);
	struct bytes out = { 0 };
	unsigned status = 414;

	if (which < sizeof(bad) / sizeof(bad[0])) {
		bytes_add(&out, bad[which].head, strlen(bad[which].head));
		status = bad[which].status;
	} else {
		bytes_printf(&out, "GET http://h/");
		for (unsigned i = 0; i < 20000; i++)
			bytes_add(&out, "a", 1);
		bytes_printf(&out, " HTTP/1.1\r\nHost: h\r\n\r\n");
	}
	visit_say(v, &out);
	visit_hear_error(v, "bad-requests", status, 400);
	bytes_free(&out);
}

/* An upload whose chunks go wrong in the middle: the origin must never take it for whole. */
static void bad_chunk(struct visit *v)
{
	struct manner m = { 0 };
	struct plan p;
	struct bytes out = { 0 };

	do
		p = visit_plan(v, &m);
	while (!p.up_chunked);
	visit_add_head(v, &out, &p, &m);
	size_t n = p.up_bytes / 2 + 1;
	bytes_printf(&out, "%zx\r\n", n);
	bytes_add(&out, NULL, n);
	body_fill(p.id, UP, 0, out.p + out.n - n, n);
	bytes_printf(&out, "%s\r\n0\r\n\r\n", dice_percent(&v->dice, 50) ? "x" : "\r\nxyz");
	visit_say(v, &out);
	struct answer a = visit_read_answer(v, &p, &m);
	if (a.got == GOT_WHOLE && a.status == 200 && p.fault != FAULT_DUPLEX)
		visit_fail(v, &p, "200 for chunks that went wrong");
	tally_add("bad-chunks-up", 1);
	bytes_free(&out);
}

static void slow_head(struct visit *v)
{
	static const char half[] = "GET http://h/ HTTP/1.1\r\nHos";

	if (wire_send(&v->wire, half, sizeof(half) - 1))
		visit_hear_error(v, "slow-heads", 408, 408);
}

/* -- destinations that are none -- */

static void ask(struct visit *v, const char *authority, const char *what)
{
	struct bytes out = { 0 };

	if (dice_percent(&v->dice, 50))
		bytes_printf(&out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority);
	else
		bytes_printf(&out, "GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority);
	visit_say(v, &out);
	visit_hear_error(v, what, 502, 502);
	bytes_free(&out);
}

static void refused(struct visit *v)
{
	ask(v, v->world->refused, "refused");
}

static void unknown_name(struct visit *v)
{
	ask(v, v->world->unknown, "unknown-names");
}

static void own_page(struct visit *v)
{
	struct bytes out = { 0 };
	unsigned status = 0;

	bytes_printf(&out, "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", v->world->proxy_port);
	visit_say(v, &out);
	if (wire_read_head(&v->wire) != WIRE_OK || sscanf(v->wire.head, "HTTP/1.1 %3u", &status) != 1 || status != 200)
		visit_fail(v, NULL, "the proxy's own page: %.200s", v->wire.head);
	bytes_free(&out);
}

/* -- choosing -- */

static const struct {
	const char *name;
	unsigned weight;
	void (*run)(struct visit *);
} sessions[] = {
#define SESSION(name, weight) { #name, weight, name },
#include "sessions.def"
#undef SESSION
};

void session_run(struct visit *v)
{
	unsigned total = 0, i;

	for (i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++)
		total += sessions[i].weight;
	unsigned whim = (unsigned)dice_below(&v->dice, total);
	for (i = 0; whim >= sessions[i].weight; i++)
		whim -= sessions[i].weight;
	v->session = sessions[i].name;
	if (!visit_dial(v, 0))
		return;
	sessions[i].run(v);
	tally_add("sessions", 1);
	wire_close(&v->wire);
}
