/*
 * What is remembered of an origin's TLS sessions, so that the next connection to it costs less.
 */
#ifndef FRESHET_TLS_MEMORY_H
#define FRESHET_TLS_MEMORY_H

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

/* Zero-initialise; owned by whoever embeds it, who keeps it longer than the connections that use it. */
struct tls_memory {
	struct ssl_session_st *session; /* owned: the latest; NULL none */
};

void tls_memory_fini(struct tls_memory *m);

/* Has connections of this context remember their sessions. */
void memory_hook(struct ssl_ctx_st *context);

/* This connection resumes the remembered session, if there is one, and remembers its own; m may be NULL. */
void memory_use(struct ssl_st *ssl, struct tls_memory *m);

/* Its handshake failed: should that have come from the session, the next connection does without. */
void memory_forget(struct ssl_st *ssl);

#endif
