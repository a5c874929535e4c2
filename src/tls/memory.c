/*
 * Sessions with origins: one for each origin and worker, the latest.
 */
#include "tls/memory.h"

#include <openssl/ssl.h>

void tls_memory_fini(struct tls_memory *m)
{
	SSL_SESSION_free(m->session);
	m->session = NULL;
}

/* OpenSSL's: 1 keeps the session. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_memory *m = SSL_get_app_data(ssl);

	if (!m || !SSL_SESSION_is_resumable(session))
		return 0;
	SSL_SESSION_free(m->session);
	m->session = session;
	return 1;
}

void memory_hook(struct ssl_ctx_st *context)
{
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_session);
}

void memory_use(struct ssl_st *ssl, struct tls_memory *m)
{
	SSL_set_app_data(ssl, m);
	if (m && m->session)
		SSL_set_session(ssl, m->session);
}
