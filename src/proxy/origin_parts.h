/*
 * What origin.c, origin_conn.c and origin_lend.c share, and nobody else needs.
 */
#ifndef FRESHET_PROXY_ORIGIN_PARTS_H
#define FRESHET_PROXY_ORIGIN_PARTS_H

#include "proxy/origin.h"

/* The origin at this place, made if need be; NULL when memory is out. */
struct origin *origin_get(struct worker *w, const struct place *place) MUST_CHECK;

/* Ends it, or lets it rest, unless it has connections or somebody waits. */
void origin_let_die(struct origin *o);

/*
 * There is a connection or a dial less: sees to it that those in line have something to wait for, and lets the origin die
 * if there is nobody.
 */
void origin_serve_line(struct origin *o);

/* Whether its connections carry one exchange each. */
bool origin_is_distrusted(const struct origin *o);

/* From idle to lent, or closed. */
void origin_conn_leave_idle(struct origin_conn *oc);

/* Closes it, idle or not lent any more. */
void origin_conn_kill(struct origin_conn *oc);

/* It is idle, and so has nothing to say: bytes or an end, it is no longer of use. */
void origin_conn_spoke(struct origin_conn *oc);

#endif
