/*
 * Records: the part of them that is copied from messages.  The rest is filled in by proxy/.
 */
#include "inspect/record.h"

#include <assert.h>

static_assert(HEADER_COUNT <= UINT8_MAX, "a field's identity has to fit in an edit");

/* What is said of a message is what was changed, so edits that changed nothing stay out. */
uint8_t record_edits(struct record_edit out[RECORD_EDITS_MAX], const struct message *m)
{
	uint8_t count = 0;

	for (unsigned i = 0; i < m->edit_count; i++) {
		if (!m->edits[i].effective)
			continue;
		out[count++] = (struct record_edit){ .op = (uint8_t)m->edits[i].op, .id = (uint8_t)m->edits[i].id };
	}
	return count;
}
