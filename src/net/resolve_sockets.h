/*
 * The sockets of c-ares.
 */
#ifndef FRESHET_NET_RESOLVE_SOCKETS_H
#define FRESHET_NET_RESOLVE_SOCKETS_H

#include <ares.h>

/* For ares_set_socket_functions(); needs no data. */
extern const struct ares_socket_functions resolve_sockets;

#endif
