/*
 * /export.har and /export.jsonl: what all workers remember, in the order in which it ended.
 *
 * Written as fast as the client takes it, a piece at a time, so that neither a large export nor a slow client costs memory,
 * and other clients of the worker have their turn in between.  It ends with what was there when it began; what is forgotten
 * meanwhile is missing.
 */
#ifndef FRESHET_PROXY_EXPORT_H
#define FRESHET_PROXY_EXPORT_H

struct export;

/* Takes NULL. */
void export_free(struct export *e);

#endif
