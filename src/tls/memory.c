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

/*
 * OpenSSL's: 0 for not having taken the session over.  A connection never shares a session with the memory: it would
 * spoil it by an end without close_notify, as is the custom of many servers.
 */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_memory *m = SSL_get_app_data(ssl);
	SSL_SESSION *copy = m && SSL_SESSION_is_resumable(session) ? SSL_SESSION_dup(session) : NULL;

	if (!copy)
		return 0;
	SSL_SESSION_free(m->session);
	m->session = copy;
	return 0;
}

void memory_hook(struct ssl_ctx_st *context)
{
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_session);
}

void memory_use(struct ssl_st *ssl, struct tls_memory *m)
{
	SSL_SESSION *copy = m && m->session ? SSL_SESSION_dup(m->session) : NULL;

	SSL_set_app_data(ssl, m);
	if (copy)
		SSL_set_session(ssl, copy);
	SSL_SESSION_free(copy);
}

void memory_forget(struct ssl_st *ssl)
{
	struct tls_memory *m = SSL_get_app_data(ssl);

	if (m)
		tls_memory_fini(m);
}
