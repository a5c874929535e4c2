/*
 * Where clients may not be taken: networks and host patterns, and the exceptions from them.
 *
 * Networks are held against literal addresses and, by the caller, against every address a name resolves to; an
 * address inside which another one hides (NAT64, 6to4) is held against them as both.  Patterns are held against
 * what was asked for.  Whom this binds is the caller's affair.
 */
#ifndef FRESHET_POLICY_DESTINATION_H
#define FRESHET_POLICY_DESTINATION_H

#include "base/address.h"
#include "http/url.h"

struct destinations; /* immutable */

struct destinations *destinations_new(void) MUST_CHECK; /* NULL when memory is out */
void destinations_free(struct destinations *d);         /* NULL is fine */

/* Adds "10.0.0.0/8", "::1" or a host pattern (policy/pattern.h).  False with *why, constant; nothing is added. */
bool destinations_deny(struct destinations *d, struct span entry, const char **why) MUST_CHECK;
bool destinations_except(struct destinations *d, struct span entry, const char **why) MUST_CHECK;

/* By the name or literal address that was asked for, however it is spelled.  Resolves nothing. */
bool destinations_refuse_target(const struct destinations *d, const struct target *t);

bool destinations_refuse_address(const struct destinations *d, const struct address *a);

#endif
