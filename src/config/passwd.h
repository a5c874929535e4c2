/*
 * `freshet passwd`: writing the file of users that proxy-users names.
 */
#ifndef FRESHET_CONFIG_PASSWD_H
#define FRESHET_CONFIG_PASSWD_H

#include <stdbool.h>

struct passwd_request {
	const char *path, *user; /* borrowed */
	bool remove;             /* the user; otherwise a password is asked for and set */
};

/*
 * Sets or removes a user's line; the file is made (mode 0600) if need be, and replaced as a whole.  The password comes
 * from the terminal, typed twice without echo, or from the first line of standard input where that is none.  False
 * with the reason on standard error, and then the file is as it was.
 */
bool passwd_run(const struct passwd_request *r);

#endif
