/*
 * The questions of a probe as requests: what a browser would send, with the address changed or fields added.
 */
#ifndef FRESHET_PROBE_QUESTION_H
#define FRESHET_PROBE_QUESTION_H

#include "config/check_request.h"
#include "config/config.h"
#include "http/message.h"
#include "http/url.h"
#include "inspect/probe.h"

enum { PROBE_QUESTION_FIELDS_MAX = CHECK_FIELDS_MAX + 12 };

/* What is checked.  Spans are borrowed. */
struct probe_subject {
	struct span url;       /* without a fragment */
	struct target target;
	struct span path;      /* path and query in origin-form */
	const struct check_field *fields; /* to ask with in place of ours; none, unless set after reading */
	size_t field_count;    /* CHECK_FIELDS_MAX at most */
	struct span parameter; /* the name of the one that may be added */
	bool is_elsewhere;     /* a redirect led to another site: what was given for the first is not for this one */
};

/* One request; points into the subject, the arena and the answer whose validators it has. */
struct probe_question {
	struct message message;
	struct field fields[PROBE_QUESTION_FIELDS_MAX];
	struct span path;      /* as it is asked for */
};

/*
 * The subject of a URL, http or https.  False with *why (constant) for what cannot be asked for.  The arena has what the
 * URL leaves out.
 */
bool probe_subject_read(struct probe_subject *s, struct span url, const struct config *config, struct arena *arena,
	const char **why) MUST_CHECK;

/* What may be changed about the address, to be told to the probe. */
void probe_question_allows(const struct probe_subject *s, struct probe *out);

/*
 * The request for a question; equal tokens make equal addresses.  `plain` is the answer to PROBE_PLAIN, once there is one.
 * False when memory is out.
 */
bool probe_question_make(struct probe_question *q, const struct probe_subject *s, enum probe_ask ask, uint64_t token,
	const struct sight *plain, struct arena *arena) MUST_CHECK;

/* Where an answer leads, had the address not been changed. */
struct span probe_question_unchanged(const struct probe_question *q, const struct probe_subject *s, struct span location,
	struct arena *arena);

#endif
