/*
 * A past exchange as JSON, for the live page: a row of its list, or all there is to tell.
 *
 * Pure.  Both hold what the access log says in JSON, under "facts", so that a new field there needs nothing here.
 * Secrets are left out unless asked for (inspect/redact.h).
 */
#ifndef FRESHET_INSPECT_STORY_H
#define FRESHET_INSPECT_STORY_H

#include "inspect/access_log.h"
#include "inspect/history.h"
#include "inspect/json.h"

enum {
	STORY_ROW_MAX = ACCESS_LOG_LINE_MAX + 2048,
	STORY_MAX = ACCESS_LOG_LINE_MAX + 64 * 1024 + 6 * 3 * TRACE_HEADS * TRACE_HEAD_MAX,
};

/*
 * {"facts": {…}, "id": "7", "type": "text/html", "ended_us": 1795398627196123}; the id as text, for JavaScript rounds
 * numbers of that size.  Returns the length, without NUL or line end.
 */
size_t story_row(const struct past *p, char out[STORY_ROW_MAX]);

/*
 * The same with "heads", each as start line and fields; "edits" of request and response, each with its rule; and
 * what RFC 9111 lets the "browser" and a "shared" cache do with the response as it came, with "notes" about it.
 */
size_t story_write(const struct past *p, bool with_secrets, char out[STORY_MAX]);

/*
 * A line of its own: what the access log says in JSON, and in the same object "heads" and "edits" as above.  Returns the
 * length, line end included.
 */
size_t story_line(const struct past *p, bool with_secrets, char out[STORY_MAX]);

/* A head as it stands in "heads": {"cut": false, "start": "GET / HTTP/1.1", "fields": [["Host", "example.org"], …]}. */
void story_put_head(struct json *j, struct span head, bool with_secrets);

/* The values of "facts" and "edits". */
void story_put_facts(struct json *j, const struct past *p, bool with_secrets);
void story_put_edits(struct json *j, const struct trace *t);

#endif
