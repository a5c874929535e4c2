/*
 * TLS under a connection.  Knows records, not requests; decides nothing about certificates.
 */
#include "tls/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/trim.h"
#include "tls/leaf.h"
#include "tls/staple.h"

enum {
	RECORD_BYTES = 16 * 1024,        /* the most that one record carries */
	WIRE_BYTES = 256 * 1024,         /* the most that one conn_send() becomes */
	NAME_MAX_BYTES = 255,
	TRIM_AFTER = 64,                 /* connections: 3 MiB of buffers */
};

#define TRIM_EVERY_US (INT64_C(10) * 1000000)

/* Owned by its connection. */
struct tls {
	SSL *ssl;
	struct conn *conn;    /* whom it serves: changes when a connection is handed over */
	struct buf early;     /* ciphertext that was read before TLS began */
	struct deadline rest; /* gives OpenSSL's buffers back when nothing has come for a while */
	bool dry;             /* during one call: the kernel has no more */
	bool ended;           /* the kernel told of the end */
	bool certificate_wanted, staple_missing;
	bool ticket_due;      /* to the client, with the first that is said to it */
};

static void tls_on_rest(struct deadline *d);

/* -- the loop's buffers for TLS -- */

/* Owned by the loop; made when first needed. */
struct wire {
	size_t n;
	unsigned rested;          /* connections that gave their buffers back since pages were */
	int64_t trimmed_us;       /* when they were; monotonic */
	char plain[RECORD_BYTES]; /* small pieces gathered, so that they share a record */
	char bytes[WIRE_BYTES];   /* what OpenSSL wrote in the present call */
};

static struct wire *wire_of(struct loop *l)
{
	struct wire *w = l->wire;

	if (w)
		return w;
	w = l->wire = malloc(sizeof(struct wire));
	if (w) {
		w->n = w->rested = 0;
		w->trimmed_us = 0;
	}
	return w;
}

/* -- BIO: between OpenSSL and the connection -- */

static int bio_write(BIO *b, const char *from, int n)
{
	struct tls *t = BIO_get_data(b);
	struct wire *w = wire_of(t->conn->loop);

	if (!w || n < 0 || (size_t)n > WIRE_BYTES - w->n)
		return -1;
	memcpy(w->bytes + w->n, from, (size_t)n);
	w->n += (size_t)n;
	return n;
}

static int take_early(struct tls *t, char *to, size_t n)
{
	struct span early = span_first(buf_span(&t->early), n);

	memcpy(to, early.p, early.n);
	buf_consume(&t->conn->loop->bufs, &t->early, early.n);
	return (int)early.n;
}

static int bio_read(BIO *b, char *to, int n)
{
	struct tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (n <= 0)
		return 0;
	if (buf_len(&t->early))
		return take_early(t, to, (size_t)n);
	if (t->dry || t->ended) {
		if (!t->ended)
			BIO_set_retry_read(b);
		return t->ended ? 0 : -1;
	}
	ssize_t got = recv(t->conn->fd, to, (size_t)n, 0);
	t->dry = got < n && !t->conn->hung_up;
	t->ended = got == 0;
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		t->dry = true;
		BIO_set_retry_read(b);
	}
	return (int)got;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
	struct tls *t = BIO_get_data(b);

	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_EOF:
		return t->ended;
	case BIO_CTRL_FLUSH:
		return 1;
	default:
		return 0;
	}
}

static BIO_METHOD *bio_method;

static void bio_method_make(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "freshet connection");

	if (!m)
		return;
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_ctrl(m, bio_ctrl);
	bio_method = m;
}

static BIO *bio_new(struct tls *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *b;

	pthread_once(&once, bio_method_make);
	b = bio_method ? BIO_new(bio_method) : NULL;
	if (!b)
		return NULL;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	return b;
}

/* -- calls into OpenSSL -- */

static struct tls *tls_of(const struct conn *c)
{
	return c->transport;
}

/* Before each: the errors of others are not ours (they would be taken for this connection's). */
static bool begin_call(struct conn *c)
{
	struct wire *w = wire_of(c->loop);

	if (!w)
		return false;
	w->n = 0;
	tls_of(c)->dry = false;
	ERR_clear_error();
	return true;
}

/* What the call wrote. */
static struct span written(struct conn *c)
{
	struct wire *w = c->loop->wire;

	return span_of(w->bytes, w->n);
}

/* -- the transport -- */

/* The result of a read that brought nothing, as of recv(2). */
static ssize_t read_result(struct conn *c, int result)
{
	switch (SSL_get_error(tls_of(c)->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN: /* the peer said that this is the end */
		return 0;
	default:
		c->read_cut = tls_of(c)->ended;
		errno = ECONNRESET; /* an end without a word is not one: somebody may have cut it short */
		return -1;
	}
}

static ssize_t tls_read(struct conn *c, char *to, size_t n)
{
	struct tls *t = tls_of(c);
	size_t total = 0, got;
	int result = 1;

	if (!begin_call(c)) {
		errno = ENOBUFS;
		return -1;
	}
	while (total < n && (result = SSL_read_ex(t->ssl, to + total, n - total, &got)) == 1)
		total += got;
	ssize_t ending = total ? (ssize_t)total : read_result(c, result);
	int error = errno;
	if (total && result != 1 && SSL_get_error(t->ssl, result) != SSL_ERROR_WANT_READ)
		c->hung_up = true; /* the end came with the bytes: the next read tells */
	if (!conn_send_wire(c, written(c)) && !total) /* key updates, alerts */
		return -1;
	deadline_start(c->loop, &t->rest, DEADLINE_TLS_REST);
	errno = error;
	return ending;
}

static ssize_t tls_peek(struct conn *c, char *to, size_t n)
{
	size_t got;
	int result;

	if (!begin_call(c)) {
		errno = ENOBUFS;
		return -1;
	}
	result = SSL_peek_ex(tls_of(c)->ssl, to, n, &got);
	ssize_t ending = result == 1 ? (ssize_t)got : read_result(c, result);
	int error = errno;
	if (!conn_send_wire(c, written(c)))
		return -1;
	deadline_start(c->loop, &tls_of(c)->rest, DEADLINE_TLS_REST);
	errno = error;
	return ending;
}

static bool encrypt(struct conn *c, const char *p, size_t n)
{
	size_t done;

	return !n || SSL_write_ex(tls_of(c)->ssl, p, n, &done) == 1;
}

/*
 * A client's ticket for its next connection, before the first that is said to it: so it costs no segment of its own.
 * Each ticket is good for once, so resumed connections get one as well.  TLS 1.2 gives it in the handshake.
 */
static void give_ticket(struct tls *t)
{
	if (!t->ticket_due)
		return;
	t->ticket_due = false;
	(void)SSL_new_session_ticket(t->ssl); /* written by the next SSL_write_ex() */
}

/* Small pieces share a record; what fills records is encrypted where it lies. */
static bool tls_seal(struct conn *c, const struct iovec *iov, int count, struct span *wire)
{
	size_t gathered = 0;

	if (!begin_call(c))
		return false;
	give_ticket(tls_of(c));
	struct wire *w = c->loop->wire;
	for (int i = 0; i < count; i++) {
		const char *p = iov[i].iov_base;
		size_t n = iov[i].iov_len;

		if (n > RECORD_BYTES - gathered) {
			if (!encrypt(c, w->plain, gathered))
				return false;
			gathered = 0;
		}
		if (n > RECORD_BYTES) {
			if (!encrypt(c, p, n))
				return false;
			continue;
		}
		memcpy(w->plain + gathered, p, n);
		gathered += n;
	}
	if (!encrypt(c, w->plain, gathered))
		return false;
	*wire = written(c);
	deadline_start(c->loop, &tls_of(c)->rest, DEADLINE_TLS_REST);
	return true;
}

/* The close_notify, by which the peer knows that nothing was cut off. */
static bool tls_seal_end(struct conn *c, struct span *wire)
{
	if (!begin_call(c))
		return false;
	SSL_shutdown(tls_of(c)->ssl);
	*wire = written(c);
	return true;
}

static void tls_fini(struct conn *c)
{
	struct tls *t = tls_of(c);

	ERR_clear_error();
	deadline_stop(c->loop, &t->rest);
	buf_clear(&c->loop->bufs, &t->early);
	SSL_free(t->ssl);
	free(t);
	c->transport = NULL;
	c->io = &io_plain;
}

static void tls_moved(struct conn *c)
{
	tls_of(c)->conn = c;
}

static const struct io_ops io_tls = {
	.read = tls_read,
	.peek = tls_peek,
	.seal = tls_seal,
	.seal_end = tls_seal_end,
	.moved = tls_moved,
	.fini = tls_fini,
};

bool tls_is_on(const struct conn *c)
{
	return c->io == &io_tls;
}

/*
 * OpenSSL's buffers lie between what lives on, so that of their pages the C library would give none back: at 1,000 idle
 * clients that was a quarter of what they cost.  It is asked to when all is quiet, or now and then.
 */
static void give_pages_back(struct loop *l)
{
	struct wire *w = l->wire;
	bool is_quiet = list_empty(&l->deadlines[DEADLINE_TLS_REST]);

	if (++w->rested < TRIM_AFTER || (!is_quiet && l->now_us - w->trimmed_us < TRIM_EVERY_US))
		return;
	w->rested = 0;
	w->trimmed_us = l->now_us;
	trim_begin();
}

/* Half-read records stay where they are: then nothing is given back. */
static void tls_on_rest(struct deadline *d)
{
	struct tls *t = LIST_OF(d, struct tls, rest);

	ERR_clear_error();
	if (SSL_free_buffers(t->ssl) == 1)
		give_pages_back(t->conn->loop);
}

/* -- beginning -- */

static struct tls *tls_new(struct conn *c, SSL_CTX *context)
{
	struct tls *t = calloc(1, sizeof(*t));
	BIO *b;

	if (!t)
		return NULL;
	t->conn = c;
	deadline_init(&t->rest, tls_on_rest);
	ERR_clear_error();
	t->ssl = SSL_new(context);
	b = t->ssl ? bio_new(t) : NULL;
	if (!b) {
		SSL_free(t->ssl);
		free(t);
		return NULL;
	}
	SSL_set_bio(t->ssl, b, b);
	return t;
}

/* Puts it on the connection, whose stored input was ciphertext. */
static void put_on(struct conn *c, struct tls *t)
{
	t->early = c->in;
	c->in = (struct buf){ .data = NULL };
	conn_set_transport(c, &io_tls, t);
}

static bool is_ip(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/*
 * The name goes into the hello, unless it is an address (RFC 6066 section 3), and must be in the certificate, where
 * names belong: its subject does not count (RFC 9525 section 6.3).
 */
static bool set_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);

	if (is_ip(name))
		return X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

/* Remembers that the server asked, and sends none. */
static int on_certificate_wanted(SSL *ssl, void *arg)
{
	struct tls *t = arg;

	(void)ssl;
	t->certificate_wanted = true;
	return 1;
}

bool tls_connect(struct conn *c, const struct tls_contexts *contexts, const struct tls_peer *peer)
{
	char name[NAME_MAX_BYTES + 1];
	struct tls *t = tls_new(c, contexts->to_origin[peer->trust][peer->legacy]);

	if (!t)
		return false;
	if (!peer->name.n || peer->name.n > NAME_MAX_BYTES)
		goto failed;
	memcpy(name, peer->name.p, peer->name.n);
	name[peer->name.n] = '\0';
	if (!set_name(t->ssl, name))
		goto failed;
	SSL_set_cert_cb(t->ssl, on_certificate_wanted, t);
	memory_use(t->ssl, peer->memory);
	SSL_set_connect_state(t->ssl);
	put_on(c, t);
	return true;
failed:
	SSL_free(t->ssl);
	free(t);
	return false;
}

/* OpenSSL takes at most 32 bytes: a digest of what limits resumption. */
static bool set_scope(SSL *ssl, struct span scope)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	return EVP_Digest(scope.p, scope.n, digest, &n, EVP_sha256(), NULL) == 1 &&
	       SSL_set_session_id_context(ssl, digest, n) == 1;
}

bool tls_accept(struct conn *c, const struct tls_contexts *contexts, const struct leaf *leaf, struct span scope,
	bool legacy)
{
	struct tls *t = tls_new(c, contexts->to_client[legacy]);

	if (!t)
		return false;
	if (SSL_use_cert_and_key(t->ssl, leaf_certificate(leaf), leaf_key(leaf), NULL, 1) != 1 ||
		!set_scope(t->ssl, scope)) {
		SSL_free(t->ssl);
		free(t);
		return false;
	}
	SSL_set_accept_state(t->ssl);
	t->ticket_due = true;
	put_on(c, t);
	return true;
}

/* -- the handshake -- */

/* The peer answered in something that is not TLS. */
static bool is_foreign(unsigned long error)
{
	switch (ERR_GET_REASON(error)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_BAD_RECORD_TYPE:
		return true;
	default:
		return false;
	}
}

static struct tls_failure failure_of(const struct tls *t)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);
	long verdict = SSL_get_verify_result(t->ssl);

	if (!SSL_is_server(t->ssl) && verdict != X509_V_OK && SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE)
		return (struct tls_failure){ TLS_FAULT_CERTIFICATE, X509_verify_cert_error_string(verdict) };
	if (ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET)
		return (struct tls_failure){ TLS_FAULT_ALERT, reason ? reason : "a TLS alert" };
	if (t->ended)
		return (struct tls_failure){ TLS_FAULT_CLOSED, "the connection was closed in the middle of the TLS handshake" };
	if (!error)
		return (struct tls_failure){ TLS_FAULT_CLOSED, "the connection was reset in the middle of the TLS handshake" };
	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		return (struct tls_failure){ TLS_FAULT_MEMORY, "memory is out" };
	if (is_foreign(error))
		return (struct tls_failure){ TLS_FAULT_NOT_TLS, "what came is not TLS" };
	return (struct tls_failure){ TLS_FAULT_PROTOCOL, reason ? reason : "the TLS handshake failed" };
}

enum tls_progress tls_handshake(struct conn *c, struct tls_failure *failure)
{
	struct tls *t = tls_of(c);

	*failure = (struct tls_failure){ TLS_FAULT_MEMORY, "memory is out" };
	if (!begin_call(c))
		return TLS_FAILED;
	int result = SSL_do_handshake(t->ssl);
	bool waiting = result != 1 && SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ;
	if (result != 1 && !waiting) {
		*failure = failure_of(t);
		memory_forget(t->ssl);
	}
	bool sent = conn_send_wire(c, written(c));
	if (result == 1 && sent) {
		t->staple_missing = !SSL_is_server(t->ssl) && staple_missing(t->ssl);
		c->bytes = BYTES_THERE; /* they may have come with the end of the handshake */
		deadline_start(c->loop, &t->rest, DEADLINE_TLS_REST);
		return TLS_DONE;
	}
	if (waiting && sent) {
		c->bytes = c->hung_up ? BYTES_THERE : BYTES_NONE;
		return TLS_MORE;
	}
	if (!sent)
		*failure = (struct tls_failure){ TLS_FAULT_CLOSED,
			"the connection was reset in the middle of the TLS handshake" };
	return TLS_FAILED;
}

struct tls_facts tls_facts(const struct conn *c)
{
	const struct tls *t = tls_of(c);

	return (struct tls_facts){
		.version = SSL_get_version(t->ssl),
		.resumed = SSL_session_reused(t->ssl),
		.certificate_wanted = t->certificate_wanted,
		.staple_missing = t->staple_missing,
	};
}
