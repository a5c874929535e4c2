/*
 * Records: the part of them that is copied from messages.  The rest is filled in by proxy/.
 */
#include "inspect/record.h"

#include <assert.h>

static_assert(HEADER_COUNT <= UINT8_MAX, "a field's identity has to fit in an edit");

/* What is said of a message is what was changed, so edits that changed nothing stay out. */
static uint8_t copy_edits(struct record_edit out[RECORD_EDITS_MAX], const struct message *m)
{
	uint8_t count = 0;

	for (unsigned i = 0; i < m->edit_count; i++) {
		if (!m->edits[i].effective)
			continue;
		out[count].op = (uint8_t)m->edits[i].op;
		out[count].id = (uint8_t)m->edits[i].id;
		count++;
	}
	return count;
}

void record_request_edits(struct record *r, const struct message *m)
{
	r->request_edit_count = copy_edits(r->request_edits, m);
}

void record_response_edits(struct record *r, const struct message *m)
{
	r->response_edit_count = copy_edits(r->response_edits, m);
}
