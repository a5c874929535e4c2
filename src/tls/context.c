/*
 * SSL_CTX objects: made once, then only read.  What a single connection needs is set on it in transport.c.
 */
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "tls/anchors.h"
#include "tls/memory.h"
#include "tls/staple.h"
#include "tls/ticket.h"

/*
 * One read takes a whole record, or several small ones; larger buffers were not faster.  Freed while a connection rests.
 */
enum { READ_BUFFER_BYTES = 33 * 1024 };

static const unsigned char alpn_http1[] = { 8, 'h', 't', 't', 'p', '/', '1', '.', '1' };

/* No HTTP/2 yet: who offers only that was not to be intercepted. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
	unsigned offered_len, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, alpn_http1, sizeof(alpn_http1), offered, offered_len) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * TLS 1.3's, the cheapest first, as browsers ask for them: libraries put AES-256 with SHA-384 first, which makes each
 * handshake and each byte dearer, and nothing safer (RFC 8446 appendix B.4).  Who has no AES gets ChaCha20.
 */
static bool set_ciphers(SSL_CTX *c)
{
	SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	return SSL_CTX_set_ciphersuites(c,
		       "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384") == 1;
}

/* Old versions, weak keys and old signatures: for one site only, by the operator's wish. */
static bool set_versions(SSL_CTX *c, bool legacy)
{
	if (!legacy)
		return SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1;
	SSL_CTX_set_security_level(c, 0);
	SSL_CTX_set_options(c, SSL_OP_LEGACY_SERVER_CONNECT);
	return SSL_CTX_set_min_proto_version(c, TLS1_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(c, "ALL:!aNULL:!eNULL:@SECLEVEL=0") == 1;
}

static SSL_CTX *context_new(const SSL_METHOD *method, bool legacy)
{
	SSL_CTX *c = SSL_CTX_new(method);

	if (!c)
		return NULL;
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_read_ahead(c, 1);
	SSL_CTX_set_default_read_buffer_len(c, READ_BUFFER_BYTES);
	if (set_ciphers(c) && set_versions(c, legacy))
		return c;
	SSL_CTX_free(c);
	return NULL;
}

static SSL_CTX *context_to_client(bool legacy)
{
	SSL_CTX *c = context_new(TLS_server_method(), legacy);

	if (!c)
		return NULL;
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); /* tickets only: nothing to store here */
	SSL_CTX_set_num_tickets(c, 0); /* TLS 1.3's goes out with the first answer (transport.c) */
	SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN); /* leaves are signed by the anchor itself: no chain to be looked for */
	SSL_CTX_set_alpn_select_cb(c, select_alpn, NULL);
	ticket_use(c);
	return c;
}

static bool set_verification(SSL_CTX *c, X509_STORE *anchors)
{
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL); /* the store has a callback of its own */
	SSL_CTX_set1_cert_store(c, anchors);
	return staple_ask(c);
}

/* Without anchors: whoever answers is believed. */
static SSL_CTX *context_to_origin(bool legacy, X509_STORE *anchors)
{
	SSL_CTX *c = context_new(TLS_client_method(), legacy);

	if (!c)
		return NULL;
	memory_hook(c);
	if (SSL_CTX_set_alpn_protos(c, alpn_http1, sizeof(alpn_http1)) == 0 && (!anchors || set_verification(c, anchors)))
		return c;
	SSL_CTX_free(c);
	return NULL;
}

static const char *last_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "memory is out";
}

static bool make_contexts(struct tls_contexts *t, bool legacy, X509_STORE *anchors)
{
	t->to_client[legacy] = context_to_client(legacy);
	t->to_origin[TLS_TRUST_VERIFIED][legacy] = context_to_origin(legacy, anchors);
	t->to_origin[TLS_TRUST_ANYBODY][legacy] = context_to_origin(legacy, NULL);
	return t->to_client[legacy] && t->to_origin[TLS_TRUST_VERIFIED][legacy] &&
	       t->to_origin[TLS_TRUST_ANYBODY][legacy];
}

struct tls_contexts *tls_contexts_new(const char *trust_file, const char **why)
{
	struct tls_contexts *t = calloc(1, sizeof(*t));

	ERR_clear_error();
	X509_STORE *anchors = t ? anchors_new(trust_file) : NULL;
	bool ok = anchors && make_contexts(t, false, anchors) && make_contexts(t, true, anchors);
	X509_STORE_free(anchors);
	if (ok)
		return t;
	*why = last_reason();
	tls_contexts_free(t);
	return NULL;
}

void tls_contexts_free(struct tls_contexts *t)
{
	if (!t)
		return;
	for (int legacy = 0; legacy < 2; legacy++) {
		SSL_CTX_free(t->to_client[legacy]);
		for (int trust = 0; trust < 2; trust++)
			SSL_CTX_free(t->to_origin[trust][legacy]);
	}
	free(t);
}
