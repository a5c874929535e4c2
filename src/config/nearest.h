/*
 * How far a misspelt word is from one that exists.
 */
#ifndef FRESHET_CONFIG_NEAREST_H
#define FRESHET_CONFIG_NEAREST_H

#include "base/span.h"

/* The distance up to which a word still counts as a misspelling: less for short words. */
size_t nearest_limit(struct span word);

/*
 * Letters to insert, remove, change or swap with their neighbour to get from a to b, whatever the case; limit
 * + 1 when it is more than limit.
 */
size_t nearest_distance(struct span a, struct span b, size_t limit);

#endif
