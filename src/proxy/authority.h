/*
 * Where the certificate authority is, and what is needed of it to intercept.
 */
#ifndef FRESHET_PROXY_AUTHORITY_H
#define FRESHET_PROXY_AUTHORITY_H

#include "config/config.h"
#include "tls/leaf.h"

enum { AUTHORITY_PATH_BYTES = 1024 };

struct authority_paths {
	char certificate[AUTHORITY_PATH_BYTES], key[AUTHORITY_PATH_BYTES];
};

/* Where this process keeps what is to last: see below.  False when there is none, or the path is too long. */
bool authority_state_directory(char out[AUTHORITY_PATH_BYTES]) MUST_CHECK;

/*
 * ca-cert and ca-key; unless they are set, ca.pem and ca-key.pem in the state directory: that of the service manager, or
 * of the user (XDG), or below /var/lib for root.  False when there is none, or a path is too long.
 */
bool authority_paths(const struct config *c, struct authority_paths *out) MUST_CHECK;

/*
 * The authority, ready to forge; made now, with a word in the log about what to do with it, when neither file is there.
 * NULL with *why (borrowed until the thread's next call).
 */
struct leaves *authority_leaves(const struct config *c, const char **why) MUST_CHECK;

/* The certificate alone, of an authority that is there already, for others to look at.  False when there is none. */
bool authority_look(const struct config *c, struct ca *out) MUST_CHECK;

#endif
