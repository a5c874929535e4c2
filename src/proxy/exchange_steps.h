/*
 * The stages' functions, for exchange.c only, and what they share.
 */
#ifndef FRESHET_PROXY_EXCHANGE_STEPS_H
#define FRESHET_PROXY_EXCHANGE_STEPS_H

#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/origin.h"
#include "proxy/reply.h"
#include "proxy/worker.h"

enum step {
	STEP_AGAIN, /* the stage changed, or there may be more to read: go on */
	STEP_WAIT,  /* for an event */
};

enum step step_access(struct exchange *x);  /* exchange_access.c */
enum step step_login(struct exchange *x);
enum step step_target(struct exchange *x);  /* exchange_target.c */
enum step step_hello(struct exchange *x);   /* exchange_intercept.c */
enum step step_probe(struct exchange *x);
enum step step_accept(struct exchange *x);
enum step step_policy(struct exchange *x);  /* exchange_request.c */
enum step step_origin(struct exchange *x);
enum step step_send(struct exchange *x);
enum step step_head(struct exchange *x);    /* exchange_response.c */
enum step step_relay(struct exchange *x);
enum step step_tunnel(struct exchange *x);  /* exchange_tunnel.c */
enum step step_live(struct exchange *x);    /* live.c */
enum step step_export(struct exchange *x);  /* export.c */

/* Answers with an error and ends.  Where a head went out already the client is shown a broken answer instead. */
enum step exchange_fail(struct exchange *x, enum reply_error error, const char *details);

/* Ends because the client is gone or broke its own request; nothing can be answered any more. */
enum step exchange_give_up(struct exchange *x, const char *reason);

/* The same for a tunnel, of whose contents nothing is known: it is cut, but no answer is. */
enum step exchange_abandon(struct exchange *x, const char *reason);

/* Ends with an answer made here already sent (or, when `sent` is false, with the client gone). */
enum step exchange_answered(struct exchange *x, bool sent);

/* x->deadline passed: answers what can be answered, and ends. */
void exchange_expired(struct exchange *x, enum deadline_class class);

/* Goes to STAGE_ORIGIN and asks for a connection, pooled or, for tunnels, of its own. */
enum step exchange_ask_origin(struct exchange *x);

/* x->place by x->target: host, port and route; without TLS. */
void exchange_choose_place(struct exchange *x);

/* What the configuration and the switches want for x->target. */
void exchange_choose_settings(struct exchange *x);

/* For an address that was asked for, and for one that a name turned out to have. */
enum step exchange_refuse_destination(struct exchange *x);

/* Whether that is the name under which our own pages are reached through the proxy. */
bool exchange_is_own_name(struct span host);

/* Whether the target is this proxy itself, under any address or its own name. */
bool exchange_is_own_authority(const struct exchange *x);

/* Whether a CONNECT is to be intercepted; where it is not although the site is, says in the record why. */
bool exchange_may_intercept(struct exchange *x);

/* Tells the client that its tunnel stands, and begins to listen to what it says in it. */
enum step exchange_intercept(struct exchange *x);

/* The client says nothing in its tunnel, no connection for the probe came free. */
void exchange_hello_expired(struct exchange *x);
void exchange_probe_expired(struct exchange *x);

/* Sends more of the request's body.  False when the exchange ended over it; *step then says how. */
bool exchange_send_body(struct exchange *x, enum step *step);

/*
 * All that is done to the request's head: what policy wants for its target, and what a proxy owes.  False when it is not to
 * be passed on: it is answered then, and *step says how it goes on.
 */
bool exchange_edit_request(struct exchange *x, enum step *step) MUST_CHECK;

/* The edited head with this target, written to the loop's `out`; empty when there is no room. */
struct span exchange_compose_request(struct exchange *x, struct span target);

/* The target in origin-form (RFC 9112 section 3.2.1); empty when memory is out. */
struct span exchange_origin_form(struct exchange *x);

/* Once policy has decided: writes the request differently where that is wanted from the start. */
void exchange_pierce_begin(struct exchange *x);

/*
 * A final head was read from `bytes` and judged.  True when it is not for the client: the answer is given up, and the
 * request written differently is to ask for a connection.
 */
bool exchange_pierce_again(struct exchange *x, struct span bytes, size_t head_len);

/* The same where the origin closed without an answer. */
bool exchange_pierce_unanswered(struct exchange *x);

/* Take our own parameter off a URL that a page showed to the client: before policy decides, and afterwards. */
void exchange_unpierce_target(struct exchange *x);
void exchange_unpierce_referer(struct exchange *x);

/* Whether a changed request is redirected to what it was: the client would ask for that, be pierced again, and so on. */
bool exchange_unpierce_loops(struct exchange *x);

/* Shows the client URLs as it knows them, in the fields of a final head. */
void exchange_unpierce_response(struct exchange *x);

/* Cuts the loan short: the origin connection is reset and closed. */
void exchange_drop_origin(struct exchange *x);

/* Both connections carry opaque bytes from here on. */
enum step exchange_become_tunnel(struct exchange *x);

/* For what is kept of hosts that were not looked into; only of an exchange that became a tunnel. */
void exchange_tunnel_ended(const struct exchange *x);

#endif
