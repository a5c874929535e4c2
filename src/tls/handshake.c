/*
 * How TLS begins on a connection, and why it does not.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "tls/leaf.h"
#include "tls/staple.h"
#include "tls/tls.h"
#include "tls/transport.h"

enum { NAME_MAX_BYTES = 255 };

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
	b = t->ssl ? tls_bio_new(t) : NULL;
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
	conn_set_transport(c, &tls_io, t);
}

/*
 * The name goes into the hello, unless it is an address (RFC 6066 section 3), and must be in the certificate, where
 * names belong: its subject does not count (RFC 9525 section 6.3).
 */
static bool set_name(SSL *ssl, const char *name)
{
	struct address ip;

	if (address_parse_ip(span_str(name), 0, &ip))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
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
	if (SSL_use_cert_and_key(t->ssl, leaf_certificate(leaf), leaf_key(leaf), leaf_chain(leaf), 1) != 1 ||
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

/* An alert that is no refusal: the same peer may well shake hands the next time. */
static bool is_trouble(unsigned long error)
{
	switch (ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET) {
	case SSL_AD_BAD_RECORD_MAC: /* bytes were damaged on the way */
	case SSL_AD_INTERNAL_ERROR:
	case SSL_AD_USER_CANCELLED:
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
		return (struct tls_failure){ is_trouble(error) ? TLS_FAULT_TROUBLE : TLS_FAULT_ALERT,
			reason ? reason : "a TLS alert" };
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
	if (!tls_begin_call(c))
		return TLS_FAILED;
	int result = SSL_do_handshake(t->ssl);
	bool waiting = result != 1 && SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ;
	if (result != 1 && !waiting) {
		*failure = failure_of(t);
		memory_forget(t->ssl);
	}
	bool sent = conn_send_wire(c, tls_written(c));
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
