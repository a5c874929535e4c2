/*
 * The border to OpenSSL: where its reads come from, where its writes go.
 */
#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls/tls.h"

struct wire *tls_wire(struct loop *l)
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

static int bio_write(BIO *b, const char *from, int n)
{
	struct tls *t = BIO_get_data(b);
	struct wire *w = tls_wire(t->conn->loop);

	if (!w || n < 0 || (size_t)n > TLS_WIRE_BYTES - w->n)
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

BIO *tls_bio_new(struct tls *t)
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

/* Before each: the errors of others are not ours (they would be taken for this connection's). */
bool tls_begin_call(struct conn *c)
{
	struct wire *w = tls_wire(c->loop);

	if (!w)
		return false;
	w->n = 0;
	tls_of(c)->dry = false;
	ERR_clear_error();
	return true;
}

struct span tls_written(struct conn *c)
{
	struct wire *w = c->loop->wire;

	return span_of(w->bytes, w->n);
}
