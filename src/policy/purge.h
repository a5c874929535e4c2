/*
 * Which exchanges can make a browser forget what it stored of their origin: those whose answer it reads
 * Clear-Site-Data from (https://www.w3.org/TR/clear-site-data/).
 *
 * Pure.  Whether it was told already is the caller's to know: proxy/contacts.
 */
#ifndef FRESHET_POLICY_PURGE_H
#define FRESHET_POLICY_PURGE_H

#include "policy/policy.h"

/*
 * Whether this answer may be the one that carries it, by state->settings and both heads.  Only requests that say how
 * they were made (Sec-Fetch-Mode) count.  Browsers say so only where they heed the field too, which is to https and to
 * loopback by http, and other programs never do: so these do not use up the browser's turn at the same address.
 */
bool purge_can(const struct policy_state *state, const struct message *request, const struct message *response);

/* Whether the origin itself has the cache emptied. */
bool purge_is_ordered(const struct message *response);

#endif
