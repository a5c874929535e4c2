/*
 * TLS as a transport: bytes into records and out of them.  Knows nothing of requests, decides nothing about certificates.
 */
#include "tls/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "net/trim.h"
#include "tls/tls.h"

enum { TRIM_AFTER = 64 }; /* connections: 3 MiB of buffers */

#define TRIM_EVERY_US (INT64_C(10) * 1000000)

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

	if (!tls_begin_call(c)) {
		errno = ENOBUFS;
		return -1;
	}
	while (total < n && (result = SSL_read_ex(t->ssl, to + total, n - total, &got)) == 1)
		total += got;
	ssize_t ending = total ? (ssize_t)total : read_result(c, result);
	int error = errno;
	if (total && result != 1 && SSL_get_error(t->ssl, result) != SSL_ERROR_WANT_READ)
		c->hung_up = true; /* the end came with the bytes: the next read tells */
	if (!conn_send_wire(c, tls_written(c)) && !total) /* key updates, alerts */
		return -1;
	deadline_start(c->loop, &t->rest, DEADLINE_TLS_REST);
	errno = error;
	return ending;
}

static ssize_t tls_peek(struct conn *c, char *to, size_t n)
{
	size_t got;
	int result;

	if (!tls_begin_call(c)) {
		errno = ENOBUFS;
		return -1;
	}
	result = SSL_peek_ex(tls_of(c)->ssl, to, n, &got);
	ssize_t ending = result == 1 ? (ssize_t)got : read_result(c, result);
	int error = errno;
	if (!conn_send_wire(c, tls_written(c)))
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

	if (!tls_begin_call(c))
		return false;
	give_ticket(tls_of(c));
	struct wire *w = c->loop->wire;
	for (int i = 0; i < count; i++) {
		const char *p = iov[i].iov_base;
		size_t n = iov[i].iov_len;

		if (n > TLS_RECORD_BYTES - gathered) {
			if (!encrypt(c, w->plain, gathered))
				return false;
			gathered = 0;
		}
		if (n > TLS_RECORD_BYTES) {
			if (!encrypt(c, p, n))
				return false;
			continue;
		}
		memcpy(w->plain + gathered, p, n);
		gathered += n;
	}
	if (!encrypt(c, w->plain, gathered))
		return false;
	*wire = tls_written(c);
	deadline_start(c->loop, &tls_of(c)->rest, DEADLINE_TLS_REST);
	return true;
}

/* The close_notify, by which the peer knows that nothing was cut off. */
static bool tls_seal_end(struct conn *c, struct span *wire)
{
	if (!tls_begin_call(c))
		return false;
	SSL_shutdown(tls_of(c)->ssl);
	*wire = tls_written(c);
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

const struct io_ops tls_io = {
	.read = tls_read,
	.peek = tls_peek,
	.seal = tls_seal,
	.seal_end = tls_seal_end,
	.moved = tls_moved,
	.fini = tls_fini,
};

bool tls_is_on(const struct conn *c)
{
	return c->io == &tls_io;
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
void tls_on_rest(struct deadline *d)
{
	struct tls *t = LIST_OF(d, struct tls, rest);

	ERR_clear_error();
	if (SSL_free_buffers(t->ssl) == 1)
		give_pages_back(t->conn->loop);
}
