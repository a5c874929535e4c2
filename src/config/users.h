/*
 * The file of users and their password hashes that proxy-users names.
 *
 * A line is name:hash, as `freshet passwd` writes it; empty lines and those that begin with # are comments.  Hashes
 * are those of crypt(3) that base/password.h takes.  Knows nothing of what users send.
 */
#ifndef FRESHET_CONFIG_USERS_H
#define FRESHET_CONFIG_USERS_H

#include "config/config.h"

enum { USER_NAME_MAX = 64 }; /* bytes */

struct user {
	char *name, *hash; /* owned */
};

struct users {
	struct user *items; /* owned; in the order of their names */
	size_t count;
};

/* NULL, or why (constant) nobody can have this name: empty, too long, a colon or control character in it. */
const char *user_name_fault(struct span name);

/*
 * Reads a file, which others must not be able to read or change.  All or nothing: NULL when there is an error, each of
 * which the report tells with file and line; `where` is the place of the option.
 */
struct users *users_load(const char *path, const char *where, struct config_report *report) MUST_CHECK;

/* The same from memory. */
struct users *users_parse(const char *path, struct span text, struct config_report *report) MUST_CHECK;

void users_free(struct users *u); /* NULL is fine */

/* NULL when there is none of that name. */
const struct user *users_find(const struct users *u, struct span name);

#endif
