/*
 * What a record leaves out: the heads of an exchange as they came and went, and what made the difference.
 */
#ifndef FRESHET_INSPECT_TRACE_H
#define FRESHET_INSPECT_TRACE_H

#include "http/message.h"

/* In the order in which they cross the proxy. */
enum trace_head {
	TRACE_REQUEST_RECEIVED,
	TRACE_REQUEST_SENT,
	TRACE_RESPONSE_RECEIVED,
	TRACE_RESPONSE_SENT,
	TRACE_HEADS
};

enum {
	TRACE_HEAD_MAX = 16 * 1024, /* longer heads are cut */
	TRACE_EDITS_MAX = MESSAGE_EDITS_MAX + 64,
	TRACE_DROPPED = EDIT_REMOVE + 1, /* one line is left out, by its place among those received */
};

/* Something done to a message, and by which rule. */
struct trace_edit {
	const char *why; /* constant */
	uint16_t line;   /* with TRACE_DROPPED: counted from 0 */
	uint8_t op;      /* enum edit_op, or TRACE_DROPPED */
	uint8_t id;      /* enum header; HEADER_OTHER for lines known by their spelling only */
};

struct trace_edits {
	const struct trace_edit *items; /* borrowed */
	unsigned count;
};

struct trace {
	struct span heads[TRACE_HEADS]; /* borrowed; empty: there was none */
	struct trace_edits request, response;
};

/* The message's effective edits and, as far as there is room, its dropped lines; returns how many. */
unsigned trace_edits(const struct message *m, struct trace_edit out[TRACE_EDITS_MAX]);

#endif
