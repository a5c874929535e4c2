/*
 * What a client says in Proxy-Authorization, as far as it is Basic (RFC 7617).
 *
 * Takes the text apart; whether it is true is another's affair.  The room holds a password afterwards: its owner
 * clears it.
 */
#ifndef FRESHET_HTTP_CREDENTIALS_H
#define FRESHET_HTTP_CREDENTIALS_H

#include "base/span.h"

enum { CREDENTIALS_MAX = 768 }; /* bytes of user, colon and password */

struct credentials {
	struct span user;     /* points into the room, as does the password; not empty */
	struct span password; /* a NUL stands behind it */
};

/*
 * Parses a field's value.  False with *why (constant) for another scheme, text that is not canonical base64, control
 * characters (RFC 7617 section 2), or more than fits.
 */
bool credentials_parse(struct span field, char room[CREDENTIALS_MAX + 1], struct credentials *out,
	const char **why) MUST_CHECK;

#endif
