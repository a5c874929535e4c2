/*
 * What the writers of text and of JSON lines share: both are made of fields.def.
 *
 * Each type of that list is a pair of writers: text_*() in access_log_text.c, which gets the space and the key that
 * stand before its value, and member_*() in access_log_json.c, which gets its key.  A writer decides itself whether
 * the value applies.
 */
#ifndef FRESHET_INSPECT_ACCESS_LOG_PARTS_H
#define FRESHET_INSPECT_ACCESS_LOG_PARTS_H

#include "inspect/access_log.h"

#include "inspect/json.h"

/* One slot per field of headers.def, each as long as its name. */
union header_names {
#define HEADER(id, name, flags, where) char id[sizeof(name)];
#include "http/headers.def"
#undef HEADER
};

enum {
	EDIT_MAX = sizeof(union header_names), /* a name and its mark */
	REASON_MAX = 200,                      /* our own constants are shorter */
};

struct edits {
	const struct record_edit *edits; /* borrowed */
	unsigned count;
};

#define EDITS(array, n) ((struct edits){ (array), (n) })

/* Each a whole line, its length returned. */
size_t access_log_text_line(const struct record *r, char out[ACCESS_LOG_LINE_MAX]);
size_t access_log_json_line(const struct record *r, char out[ACCESS_LOG_LINE_MAX]);

/* The eighth column. */
struct span access_log_outcome(const struct record *r);

/* "name=", "+name" or "-name"; its length. */
size_t access_log_edit(char out[EDIT_MAX], const struct record_edit *e);

/* In lower case, as programs that compute it write it. */
struct span access_log_digest(char out[2 * RECORD_DIGEST_BYTES], const unsigned char *digest);

#endif
