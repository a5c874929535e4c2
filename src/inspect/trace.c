/*
 * The part of traces that is copied from messages.
 */
#include "inspect/trace.h"

unsigned trace_edits(const struct message *m, struct trace_edit out[TRACE_EDITS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->edit_count; i++) {
		const struct edit *e = &m->edits[i];

		if (e->effective)
			out[n++] = (struct trace_edit){ .why = e->why, .op = (uint8_t)e->op, .id = (uint8_t)e->id };
	}
	for (unsigned i = 0; i < m->field_count; i++) {
		const struct field *f = &m->fields[i];

		if (f->dropped && n < TRACE_EDITS_MAX)
			out[n++] = (struct trace_edit){
				.why = f->dropped, .line = (uint16_t)i, .op = TRACE_DROPPED, .id = (uint8_t)f->id
			};
	}
	return n;
}
