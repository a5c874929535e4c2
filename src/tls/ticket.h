/*
 * Keys for session tickets (RFC 5077, RFC 8446 section 4.6.1): common to all workers, renewed by themselves.
 *
 * A key makes tickets for twelve hours and is accepted for another twelve.  Keys live in memory only.
 */
#ifndef FRESHET_TLS_TICKET_H
#define FRESHET_TLS_TICKET_H

struct ssl_ctx_st;

/* Has the context make and accept tickets by the common keys. */
void ticket_use(struct ssl_ctx_st *context);

#endif
