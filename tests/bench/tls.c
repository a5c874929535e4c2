/*
 * Load of https: clients that ask a proxy for a tunnel, speak TLS in it, and count what they get.
 *
 *   tls new | resumed | cold | keep | hold  TO PROXY_PORT ORIGIN_PORT BODY_BYTES CONNECTIONS SECONDS
 *
 *   new      a connection, a whole handshake and one request, again and again
 *   resumed  the same, but each handshake takes up the session before
 *   cold     the same as new, each with a server name never used before
 *   keep     requests on connections that stay
 *   hold     opens the connections one by one, a request on each, says "held" and waits for the end of its input
 *
 * TO is "proxy", or "server" for what speaks TLS at once.  Prints bytes of bodies, whole exchanges, errors, sessions
 * resumed.  A thread a connection, blocking: what it costs is not measured.  No certificate is verified here; that they
 * are good is checked before (measure_tls.py).
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SITE "bench.test"

enum { HEAD_MAX = 16 * 1024, TAKE_BYTES = 256 * 1024, STACK_BYTES = 1024 * 1024 };

static struct job {
	const char *kind;
	bool through_proxy, each_new, resume, other_names;
	unsigned proxy_port, origin_port;
	unsigned long long body_bytes;
} job;

/* One thread's. */
struct client {
	int fd;
	SSL *ssl;
	SSL_SESSION *session; /* the latest that the server gave */
	char head[HEAD_MAX + 1];
};

static SSL_CTX *context;
static atomic_ullong bytes, exchanges, errors, resumed, names;

/* -- opening -- */

static bool dial(struct client *c)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	at.sin_port = htons((unsigned short)job.proxy_port);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return c->fd >= 0 && connect(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0;
}

/* The server says nothing before our hello, so what ends with an empty line is the whole answer. */
static bool open_tunnel(struct client *c)
{
	size_t n = 0;
	int length = snprintf(c->head, HEAD_MAX, "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
		job.origin_port, job.origin_port);

	if (send(c->fd, c->head, (size_t)length, MSG_NOSIGNAL) != length)
		return false;
	while (n < 4 || memcmp(c->head + n - 4, "\r\n\r\n", 4) != 0) {
		ssize_t got = recv(c->fd, c->head + n, HEAD_MAX - n, 0);

		if (got <= 0)
			return false;
		n += (size_t)got;
	}
	return memcmp(c->head + 8, " 200", 4) == 0;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct client *c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;
	return 1;
}

static bool start_tls(struct client *c)
{
	char name[64] = SITE;

	if (job.other_names)
		snprintf(name, sizeof(name), "n%llu." SITE, atomic_fetch_add(&names, 1));
	c->ssl = SSL_new(context);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_tlsext_host_name(c->ssl, name) != 1)
		return false;
	SSL_set_app_data(c->ssl, c);
	if (job.resume && c->session)
		SSL_set_session(c->ssl, c->session);
	if (SSL_connect(c->ssl) != 1)
		return false;
	if (SSL_session_reused(c->ssl))
		atomic_fetch_add(&resumed, 1);
	return true;
}

static bool open_client(struct client *c)
{
	return dial(c) && (!job.through_proxy || open_tunnel(c)) && start_tls(c);
}

static void close_client(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	ERR_clear_error();
	c->ssl = NULL;
}

/* -- asking -- */

/* A browser's request for a page that it has in its cache. */
static bool ask(struct client *c)
{
	int length = snprintf(c->head, HEAD_MAX,
		"GET /%llu HTTP/1.1\r\n"
		"Host: 127.0.0.1:%u\r\n"
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
		"Accept-Language: en-US,en;q=0.5\r\n"
		"Accept-Encoding: gzip, deflate, br\r\n"
		"Cookie: sid=3b1f0a9c77e24d; theme=dark; consent=1\r\n"
		"If-None-Match: \"5f2c-62c0a3d1e8f40\"\r\n"
		"If-Modified-Since: Fri, 20 Nov 2026 09:30:00 GMT\r\n"
		"Cache-Control: max-age=0\r\n%s\r\n",
		job.body_bytes, job.origin_port, job.each_new ? "Connection: close\r\n" : "");

	return SSL_write(c->ssl, c->head, length) == length;
}

/* Reads a 200's head; *early gets how much of the body came along. */
static bool hear_head(struct client *c, unsigned long long *body, size_t *early)
{
	size_t n = 0;

	for (;;) {
		int got = SSL_read(c->ssl, c->head + n, (int)(HEAD_MAX - n));

		if (got <= 0)
			return false;
		n += (size_t)got;
		c->head[n] = 0;
		char *end = strstr(c->head, "\r\n\r\n");
		if (!end)
			continue;
		char *length = strcasestr(c->head, "\r\ncontent-length:");
		*body = length && length < end ? strtoull(length + 17, NULL, 10) : 0;
		*early = n - (size_t)(end + 4 - c->head);
		return memcmp(c->head + 8, " 200", 4) == 0;
	}
}

static bool take_body(struct client *c, unsigned long long left)
{
	static _Thread_local char nothing[TAKE_BYTES];

	while (left) {
		int n = SSL_read(c->ssl, nothing, left < TAKE_BYTES ? (int)left : TAKE_BYTES);

		if (n <= 0)
			return false;
		left -= (unsigned long long)n;
		atomic_fetch_add(&bytes, (unsigned long long)n);
	}
	return true;
}

static bool exchange(struct client *c)
{
	unsigned long long body;
	size_t early;

	if (!ask(c) || !hear_head(c, &body, &early) || body != job.body_bytes)
		return false;
	atomic_fetch_add(&bytes, early);
	if (!take_body(c, body - early))
		return false;
	atomic_fetch_add(&exchanges, 1);
	return true;
}

/*
 * Until the server has closed: who hangs up first would reset the connection under its last words.  How politely it
 * does so is not looked at; OpenSSL would spoil the session of one that does not.
 */
static void wait_for_end(struct client *c)
{
	char nothing[256];

	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	while (recv(c->fd, nothing, sizeof(nothing), 0) > 0)
		;
}

/* -- threads -- */

static void *run(void *arg)
{
	struct client c = { .fd = -1 };

	for (;;) {
		bool whole = open_client(&c) && exchange(&c);

		if (whole && job.each_new)
			wait_for_end(&c);
		while (whole && !job.each_new)
			whole = exchange(&c);
		if (!whole)
			atomic_fetch_add(&errors, 1);
		close_client(&c);
		if (!whole)
			usleep(1000);
	}
	return arg;
}

static bool start_threads(unsigned long count)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (; count; count--) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, run, NULL))
			return false;
	}
	return true;
}

/* Without memory for more than one conversation: the clients' TLS objects are small, their number large. */
static bool hold(unsigned long count)
{
	static struct client c;

	for (; count; count--) {
		if (!open_client(&c) || !exchange(&c))
			return false;
	}
	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return true;
}

static bool make_context(void)
{
	context = SSL_CTX_new(TLS_client_method());
	if (!context)
		return false;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_session);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 8) {
		fputs("usage: tls KIND proxy|server PROXY_PORT ORIGIN_PORT BODY_BYTES CONNECTIONS SECONDS\n", stderr);
		return 2;
	}
	bool keeps = strcmp(argv[1], "keep") == 0 || strcmp(argv[1], "hold") == 0;
	job = (struct job){
		.kind = argv[1],
		.through_proxy = strcmp(argv[2], "proxy") == 0,
		.each_new = !keeps,
		.resume = strcmp(argv[1], "resumed") == 0,
		.other_names = strcmp(argv[1], "cold") == 0,
		.proxy_port = (unsigned)strtoul(argv[3], NULL, 10),
		.origin_port = (unsigned)strtoul(argv[4], NULL, 10),
		.body_bytes = strtoull(argv[5], NULL, 10),
	};
	signal(SIGPIPE, SIG_IGN);
	if (!make_context())
		return 1;
	if (strcmp(job.kind, "hold") == 0)
		return hold(strtoul(argv[6], NULL, 10)) ? 0 : 1;
	if (!start_threads(strtoul(argv[6], NULL, 10)))
		return 1;
	usleep((useconds_t)(strtod(argv[7], NULL) * 1e6));
	printf("%llu %llu %llu %llu\n", atomic_load(&bytes), atomic_load(&exchanges), atomic_load(&errors),
		atomic_load(&resumed));
	fflush(stdout);
	_exit(0); /* the threads go on */
}
