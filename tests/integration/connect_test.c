/*
 * Connector and listener on a real loop and real sockets on loopback.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns_server.h"
#include "net/connect.h"
#include "net/listener.h"

enum { SECOND_US = 1000000, PATIENCE_US = 5 * SECOND_US, CLIENTS_MAX = 64 };

static const struct dns_name names[] = {
	{ .name = "both.test", .a = { "127.0.0.1" }, .aaaa = { "::1" }, .ttl_s = 60 },
	{ .name = "four.test", .a = { "127.0.0.2", "127.0.0.3", "127.0.0.1" }, .ttl_s = 60 },
	{ .name = "slow.test", .a = { "127.0.0.1" }, .ttl_s = 60, .delay_ms = 100 },
	{ .name = "silent.test", .drop = true },
	{ .name = "crowd.test", .ttl_s = 60,
	  .a = { "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", "127.0.1.5", "127.0.0.1" } },
	{ .name = NULL },
};

static int dns_port;
static struct loop loop;
static struct resolver *resolver;

static int setup(void **state)
{
	char server[32];

	(void)state;
	snprintf(server, sizeof(server), "127.0.0.1:%d", dns_port);
	assert_true(loop_init(&loop));
	resolver = resolver_new(&loop, &(struct resolver_options){ .server = server, .cache_max = 100 });
	assert_non_null(resolver);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	resolver_free(resolver);
	loop_fini(&loop);
	return 0;
}

/* Runs the loop until *count has reached `wanted` or the time is over. */
static void run_until(const int *count, int wanted, int64_t patience_us)
{
	const struct timeval beat = { .tv_usec = 10000 };
	int64_t until_us = clock_us() + patience_us;

	while (*count < wanted && clock_us() < until_us) {
		event_base_loopexit(loop.base, &beat);
		loop_pass(&loop);
	}
}

static struct address address_of(const char *text)
{
	struct address a;

	assert_true(address_parse(span_str(text), &a));
	return a;
}

/* A listening socket; *bound gets its address. */
static int listen_at(const char *text, struct address *bound)
{
	struct address at = address_of(text);
	const char *why;
	int fd = listener_open(&at, false, bound, &why);

	assert_true(fd >= 0);
	return fd;
}

/* Makes a listener deaf: its queue is full, so the kernel drops further SYNs.  Fills fds. */
static void make_deaf(int listen_fd, const struct address *at, int fds[4])
{
	struct sockaddr_storage to;
	socklen_t bytes = address_to_sockaddr(at, &to);

	assert_int_equal(listen(listen_fd, 0), 0);
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], (const void *)&to, bytes);
		usleep(10000);
	}
}

static void close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		close(fds[i]);
}

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A connector that keeps its result. */
struct caller {
	struct connector connector;
	struct connector_result result;
	int done;
	uint16_t forbidden_port; /* not to be connected to */
};

static void on_done(struct connector *c, const struct connector_result *result)
{
	struct caller *k = LIST_OF(c, struct caller, connector);

	k->done++;
	k->result = *result;
}

static bool allows(struct connector *c, const struct address *a)
{
	return a->port != LIST_OF(c, struct caller, connector)->forbidden_port;
}

static void start(struct caller *k, const char *host, uint16_t port)
{
	k->connector.done = on_done;
	k->connector.allows = allows;
	connector_start(&k->connector, &loop, resolver, span_str(host), port);
	assert_int_equal(k->done, 0); /* never from within */
}

static void call(struct caller *k, const char *host, uint16_t port)
{
	start(k, host, port);
	run_until(&k->done, 1, PATIENCE_US);
	assert_int_equal(k->done, 1);
}

static void assert_connected_to(const struct caller *k, const char *ip)
{
	char text[ADDRESS_TEXT_MAX];
	struct sockaddr_storage sa;
	socklen_t bytes = sizeof(sa), one_bytes = sizeof(int);
	int one = 0;

	assert_int_equal(k->result.status, CONNECT_OK);
	assert_null(k->result.reason);
	address_format_ip(&k->result.address, text);
	assert_string_equal(text, ip);
	assert_int_equal(getpeername(k->result.fd, (void *)&sa, &bytes), 0);
	assert_true(fcntl(k->result.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(k->result.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(k->result.fd, IPPROTO_TCP, TCP_NODELAY, &one, &one_bytes), 0);
	assert_true(one);
	close(k->result.fd);
}

static void assert_failed(const struct caller *k, enum connect_status status)
{
	assert_int_equal(k->result.status, status);
	assert_int_equal(k->result.fd, -1);
	assert_non_null(k->result.reason);
	assert_int_equal(k->connector.state, CONNECTOR_IDLE);
}

static void test_connects_to_literal_and_name(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at);
	struct caller literal = { .done = 0 }, name = { .done = 0 }, again = { .done = 0 };

	(void)state;
	call(&literal, "127.0.0.1", at.port);
	assert_connected_to(&literal, "127.0.0.1");
	assert_int_equal(literal.result.resolve_us, 0);
	call(&name, "slow.test", at.port);
	assert_connected_to(&name, "127.0.0.1");
	assert_true(name.result.resolve_us >= 90000);
	call(&again, "slow.test", at.port);
	assert_connected_to(&again, "127.0.0.1");
	assert_int_equal(again.result.resolve_us, 0);
	close(fd);
}

static void test_refused_goes_to_the_next_address_at_once(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at);
	struct caller k = { .done = 0 };

	(void)state;
	int64_t before_us = clock_us();
	call(&k, "four.test", at.port);
	assert_connected_to(&k, "127.0.0.1");
	assert_true(clock_us() - before_us < 200000);
	close(fd);
}

static void test_ipv6_comes_first(void **state)
{
	struct address at4, at6;
	char text[ADDRESS_TEXT_MAX];
	int fd4 = listen_at("127.0.0.1:0", &at4);
	struct caller k = { .done = 0 };

	(void)state;
	snprintf(text, sizeof(text), "[::1]:%d", at4.port);
	int fd6 = listen_at(text, &at6);
	call(&k, "both.test", at4.port);
	assert_connected_to(&k, "::1");
	close(fd4);
	close(fd6);
}

static void test_dead_ipv6_delays_by_a_quarter_second(void **state)
{
	struct address at4, at6;
	char text[ADDRESS_TEXT_MAX];
	int fd4 = listen_at("127.0.0.1:0", &at4), full[4];
	struct caller k = { .done = 0 };

	(void)state;
	snprintf(text, sizeof(text), "[::1]:%d", at4.port);
	int fd6 = listen_at(text, &at6);
	make_deaf(fd6, &at6, full);
	int before = open_descriptors();
	int64_t before_us = clock_us();
	call(&k, "both.test", at4.port);
	int64_t took_us = clock_us() - before_us;
	assert_connected_to(&k, "127.0.0.1");
	assert_true(took_us >= 240000 && took_us < 600000);
	assert_int_equal(open_descriptors(), before);
	close_all(full, 4);
	close(fd4);
	close(fd6);
}

/* Five deaf addresses, four attempts at a time: the fifth and sixth get their turn when the oldest give up theirs. */
static void test_more_dead_addresses_than_attempts_are_survived(void **state)
{
	static const char *const deaf[] = { "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4" };
	struct address at, deaf_at[4];
	int fd = listen_at("127.0.0.1:0", &at), deaf_fd[4], full[4][4];
	char text[ADDRESS_TEXT_MAX];
	struct caller k = { .done = 0 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s:%d", deaf[i], at.port);
		deaf_fd[i] = listen_at(text, &deaf_at[i]);
		make_deaf(deaf_fd[i], &deaf_at[i], full[i]);
	}
	call(&k, "crowd.test", at.port);
	assert_connected_to(&k, "127.0.0.1");
	for (int i = 0; i < 4; i++)
		close_all(full[i], 4);
	close_all(deaf_fd, 4);
	close(fd);
}

static void test_failures_are_told_apart(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at);
	const uint16_t closed_port = 1;
	const struct {
		const char *host;
		uint16_t port, forbidden_port;
		enum connect_status status;
	} rows[] = {
		{ "127.0.0.1", closed_port, 0, CONNECT_REFUSED },
		{ "both.test", closed_port, 0, CONNECT_REFUSED },
		{ "missing.test", 80, 0, CONNECT_DNS_NOT_FOUND },
		{ "not a name", 80, 0, CONNECT_DNS_NOT_FOUND },
		{ "127.0.0.1", at.port, at.port, CONNECT_FORBIDDEN },
		{ "255.255.255.255", 80, 0, CONNECT_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caller k = { .forbidden_port = rows[i].forbidden_port };
		int before = open_descriptors();

		print_message("%s:%d\n", rows[i].host, rows[i].port);
		call(&k, rows[i].host, rows[i].port);
		assert_failed(&k, rows[i].status);
		assert_int_equal(open_descriptors(), before);
	}
	close(fd);
}

static void test_deadline_covers_resolving_and_connecting(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at), full[4];
	struct caller resolving = { .done = 0 }, connecting = { .done = 0 };

	(void)state;
	loop_set_deadline(&loop, DEADLINE_CONNECT, 200);
	make_deaf(fd, &at, full);
	call(&resolving, "silent.test", 80);
	assert_failed(&resolving, CONNECT_DNS_TIMEOUT);
	call(&connecting, "127.0.0.1", at.port);
	assert_failed(&connecting, CONNECT_TIMEOUT);
	close_all(full, 4);
	close(fd);
}

static void test_cancelled_connector_is_silent_and_leaks_nothing(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "slow.test", "both.test", "missing.test", "not a name" };
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at), never = 0;
	struct caller k[5] = { { .done = 0 } }, idle = { .done = 0 };

	(void)state;
	connector_cancel(&idle.connector);
	for (int i = 0; i < 5; i++)
		call(&(struct caller){ .done = 0 }, "127.0.0.1", 1);
	int before = open_descriptors();
	for (int i = 0; i < 5; i++) {
		start(&k[i], hosts[i], at.port);
		connector_cancel(&k[i].connector);
		connector_cancel(&k[i].connector);
	}
	run_until(&never, 1, 300000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(k[i].done, 0);
	assert_int_equal(open_descriptors(), before);
	close(fd);
}

static void test_no_descriptors_is_no_fault_of_theirs(void **state)
{
	struct rlimit limit, none;
	struct caller k = { .done = 0 };

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	call(&k, "127.0.0.1", 80);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_failed(&k, CONNECT_NO_RESOURCES);
}

/* Who takes the listener's clients. */
struct host {
	struct listener listener;
	int accepted, refused;
	int fds[CLIENTS_MAX];
	int room;        /* clients taken before they are refused */
	bool stops;      /* at the first */
};

static bool on_accepted(struct listener *l, int fd, const struct address *client)
{
	struct host *h = l->context;
	int one = 0;
	socklen_t bytes = sizeof(one);

	assert_true(address_is_loopback(client));
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, &bytes);
	assert_true(one);
	if (h->accepted >= h->room) {
		h->refused++;
		return false;
	}
	h->fds[h->accepted++] = fd;
	if (h->stops)
		listener_stop(l);
	return true;
}

static void host_start(struct host *h, int fd)
{
	h->listener.context = h;
	h->listener.accepted = on_accepted;
	assert_true(listener_start(&h->listener, &loop, fd));
}

static void clients_open(const struct address *at, int *fds, int n)
{
	struct sockaddr_storage to;
	socklen_t bytes = address_to_sockaddr(at, &to);

	for (int i = 0; i < n; i++) {
		fds[i] = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		assert_int_equal(connect(fds[i], (const void *)&to, bytes), 0);
	}
}

static void test_listener_accepts_everybody(void **state)
{
	struct address at;
	int fd = listen_at("[::1]:0", &at), clients[40];
	struct host h = { .room = CLIENTS_MAX };

	(void)state;
	host_start(&h, fd);
	clients_open(&at, clients, 40);
	run_until(&h.accepted, 40, PATIENCE_US);
	assert_int_equal(h.accepted, 40);
	listener_stop(&h.listener);
	listener_stop(&h.listener);
	close_all(h.fds, 40);
	close_all(clients, 40);
	close(fd);
}

static void test_listener_accepts_sixteen_at_a_time(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at), clients[40];
	struct host h = { .room = CLIENTS_MAX };

	(void)state;
	host_start(&h, fd);
	clients_open(&at, clients, 40);
	loop_pass(&loop);
	assert_int_equal(h.accepted, 16);
	listener_stop(&h.listener);
	close_all(h.fds, 16);
	close_all(clients, 40);
	close(fd);
}

static void test_listener_pauses_when_clients_are_refused(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at), clients[5], never = 0;
	struct host h = { .room = 2 };
	char byte;

	(void)state;
	host_start(&h, fd);
	clients_open(&at, clients, 5);
	run_until(&never, 1, 50000);
	assert_int_equal(h.accepted, 2);
	assert_int_equal(h.refused, 1);
	assert_int_equal(read(clients[2], &byte, 1), 0); /* closed, not left hanging */
	h.room = 4;
	run_until(&h.accepted, 4, PATIENCE_US);
	assert_int_equal(h.accepted, 4);
	listener_stop(&h.listener);
	close_all(h.fds, 4);
	close_all(clients, 5);
	close(fd);
}

static void test_listener_does_not_spin_without_descriptors(void **state)
{
	struct rlimit limit, few;
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at), clients[2], passes = 0;
	struct host h = { .room = CLIENTS_MAX };
	const struct timeval beat = { .tv_usec = 20000 };

	(void)state;
	host_start(&h, fd);
	clients_open(&at, clients, 2);
	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	for (int64_t until_us = clock_us() + 250000; clock_us() < until_us; passes++) {
		event_base_loopexit(loop.base, &beat);
		loop_pass(&loop);
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(h.accepted, 0);
	assert_true(passes < 40);
	run_until(&h.accepted, 2, PATIENCE_US);
	assert_int_equal(h.accepted, 2);
	listener_stop(&h.listener);
	close_all(h.fds, 2);
	close_all(clients, 2);
	close(fd);
}

static void test_listener_may_be_stopped_by_who_accepts(void **state)
{
	struct address at;
	int fd = listen_at("127.0.0.1:0", &at), clients[3], never = 0;
	struct host h = { .room = CLIENTS_MAX, .stops = true };

	(void)state;
	host_start(&h, fd);
	clients_open(&at, clients, 3);
	run_until(&never, 1, 50000);
	assert_int_equal(h.accepted, 1);
	close_all(h.fds, 1);
	close_all(clients, 3);
	close(fd);
}

static void test_address_is_shared_only_when_asked(void **state)
{
	struct address any = address_of("127.0.0.1:0"), at, other;
	const char *why = NULL;
	int first = listener_open(&any, true, &at, &why);

	(void)state;
	assert_true(first >= 0);
	assert_true(at.port != 0);
	int second = listener_open(&at, true, &other, &why);
	assert_true(second >= 0);
	assert_true(address_eq(&at, &other));
	assert_int_equal(listener_open(&at, false, &other, &why), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_string_equal(why, "cannot bind");
	close(first);
	close(second);
}

static void test_ipv6_listener_leaves_ipv4_alone(void **state)
{
	struct address at6, at4;
	char text[ADDRESS_TEXT_MAX];
	int fd6 = listen_at("[::]:0", &at6);

	(void)state;
	snprintf(text, sizeof(text), "0.0.0.0:%d", at6.port);
	int fd4 = listen_at(text, &at4);
	close(fd6);
	close(fd4);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CLAIM(test_connects_to_literal_and_name),
		CLAIM(test_refused_goes_to_the_next_address_at_once),
		CLAIM(test_ipv6_comes_first),
		CLAIM(test_dead_ipv6_delays_by_a_quarter_second),
		CLAIM(test_more_dead_addresses_than_attempts_are_survived),
		CLAIM(test_failures_are_told_apart),
		CLAIM(test_deadline_covers_resolving_and_connecting),
		CLAIM(test_cancelled_connector_is_silent_and_leaks_nothing),
		CLAIM(test_no_descriptors_is_no_fault_of_theirs),
		CLAIM(test_listener_accepts_everybody),
		CLAIM(test_listener_accepts_sixteen_at_a_time),
		CLAIM(test_listener_pauses_when_clients_are_refused),
		CLAIM(test_listener_does_not_spin_without_descriptors),
		CLAIM(test_listener_may_be_stopped_by_who_accepts),
		CLAIM(test_address_is_shared_only_when_asked),
		CLAIM(test_ipv6_listener_leaves_ipv4_alone),
	};

	dns_port = dns_server_start(names);
	return dns_port > 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
