/*
 * Exchanges that have not ended: open tunnels, and all that take longer than a second.
 *
 * While somebody watches by the live page, each worker writes down its own now and then, as rows of that page, and any
 * worker with viewers reads what all have written.  While nobody does, a look at a counter is all it costs.
 */
#ifndef FRESHET_PROXY_RUNNING_H
#define FRESHET_PROXY_RUNNING_H

#include "inspect/line.h"

struct running;
struct worker;

/* What one worker has written down; memory comes with use.  NULL when it is out. */
struct running *running_new(void) MUST_CHECK;
void running_free(struct running *r); /* NULL is fine */

/* To be called after each pass of the worker's loop. */
void running_on_pass(struct worker *w);

/* Changes with each writing. */
uint64_t running_version(struct running *r);

/*
 * Adds the rows, separated by commas, as far as they were written lately and all of them fit.  *more is raised by the number
 * of those that are missing.
 */
void running_put(struct running *r, struct line *l, uint64_t *more);

#endif
