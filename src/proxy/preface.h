/*
 * Text of ours in front of a body, as part of it: service_worker_prelude.js in front of a service worker's script.
 *
 * The script streams behind it.  Only its beginning is held until that shows whether it is strict, which then the
 * whole has to say first, and whether its first line is a hashbang, which is a comment then.  What the text takes is
 * known before, and always the same.
 */
#ifndef FRESHET_PROXY_PREFACE_H
#define FRESHET_PROXY_PREFACE_H

#include "base/arena.h"

struct preface; /* in an arena, like all it points to */

/* NULL when memory is out. */
struct preface *preface_new(struct arena *arena, struct span text);

/* How much longer it makes the body. */
size_t preface_len(const struct preface *p);

/*
 * Takes from the front of *body what it has to see.  Returns what is to go out before the rest of *body, empty while
 * that is undecided.  Once it returned something it is done and must not be called again; with `last`, behind which
 * there is no more body, it always does.
 */
struct span preface_take(struct preface *p, struct span *body, bool last);

#endif
