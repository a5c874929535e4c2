/*
 * The resolver's backend over getaddrinfo(3): for names that only NSS knows (mDNS, LDAP, containers).
 */
#ifndef FRESHET_NET_RESOLVE_SYSTEM_H
#define FRESHET_NET_RESOLVE_SYSTEM_H

#include "net/resolve_backend.h"

/* NULL when memory or descriptors are out. */
struct resolve_backend *resolve_system_new(struct loop *l) MUST_CHECK;

#endif
