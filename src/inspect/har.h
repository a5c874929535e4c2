/*
 * Past exchanges as an HTTP Archive, version 1.2 (HAR), one entry at a time.
 *
 * Pure.  An archive is har_begin(), entries, each but the first behind a comma, and har_end().  The request stands in it as
 * the client sent it, the response as the client got it; what the origin's side looked like, and what freshet knows beyond
 * HAR, is in "_freshet" of each entry.  Bodies are not kept, so there are none.  Secrets are left out unless asked for
 * (inspect/redact.h).
 *
 * Tunnels and errors stand as far as HAR can tell them: without an answer the status is 0, and a tunnel's address is written
 * as a URL.  The parts of the time add up to the whole, as HAR wants it; what is not known of them is -1.
 */
#ifndef FRESHET_INSPECT_HAR_H
#define FRESHET_INSPECT_HAR_H

#include "inspect/story.h"

enum {
	HAR_FRAME_MAX = 512,
	/* Facts, and the heads at worst: each once, and of the client's once more as cookies, URL, query and Location. */
	HAR_ENTRY_MAX = ACCESS_LOG_LINE_MAX + 16 * 1024 + 6 * 3 * (TRACE_HEADS + 6) * TRACE_HEAD_MAX,
};

/* Return the length, without NUL. */
size_t har_begin(char out[HAR_FRAME_MAX]);
size_t har_entry(const struct past *p, bool with_secrets, char out[HAR_ENTRY_MAX]);
size_t har_end(char out[HAR_FRAME_MAX]);

#endif
