/*
 * JSON text (RFC 8259) into a buffer of fixed size.
 *
 * Whatever bytes go in, what comes out is one line of valid UTF-8 that no terminal takes for commands: control
 * characters are escaped, and bytes that are not UTF-8 become U+FFFD.  Commas are put where they belong; the
 * caller pairs keys with values and brackets with brackets.  When the buffer was too small (line.cut), the text
 * is not JSON and not to be used.
 */
#ifndef FRESHET_INSPECT_JSON_H
#define FRESHET_INSPECT_JSON_H

#include "inspect/line.h"

enum { JSON_BYTES_PER_BYTE = 6 }; /* how much a string grows at worst */

struct json {
	struct line line;
	bool comma; /* a value stands before the next one */
};

static inline struct json json_of(char *out, size_t max)
{
	return (struct json){ .line = line_of(out, max) };
}

void json_open(struct json *j, char bracket);  /* '{' or '[' */
void json_close(struct json *j, char bracket); /* '}' or ']' */

/* `key` is a constant of ours: nothing in it needs escaping. */
void json_key(struct json *j, struct span key);

void json_string(struct json *j, struct span s);
void json_u64(struct json *j, uint64_t n);
void json_thousandths(struct json *j, int64_t n); /* n / 1000, exactly: 1500 is 1.500 */
void json_bool(struct json *j, bool b);
void json_text(struct json *j, struct span json); /* a value that is JSON already */

#endif
