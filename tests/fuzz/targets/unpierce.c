/*
 * Changes to URLs and taking them back: "token letter, path LF text".  A changed path is taken back to itself; in any
 * text, taking back makes nothing longer.
 */
#include <assert.h>

#include "policy/pierce.h"
#include "policy/unpierce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char memory[256 * 1024];

static bool has_parameter(struct span s, struct span name)
{
	return s.n && memmem(s.p, s.n, name.p, name.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of((const char *)data, size), path = span_from(in, 1), parameter = SPAN("_f"), text;
	struct message request;
	struct arena a;

	if (size < 2)
		return 0;
	headers_init();
	path = span_first(path, span_find(path, '\n'));
	text = span_from(in, 1 + path.n + 1);
	message_init(&request, NULL, 0);
	struct pierce_facts facts = {
		.request = &request, .path = path, .is_checked = data[0] & 1, .original_known = data[0] & 2
	};
	unsigned rungs = pierce_rungs(&facts);
	for (enum rung r = RUNG_PATH; r < RUNG_COUNT; r++) {
		if (!(rungs & RUNG_BIT(r)))
			continue;
		arena_init(&a, memory, sizeof(memory), 0);
		struct unpierce u = { parameter, pierce_path(path, r, parameter, data[0], &a), path };
		assert(u.sent.n > path.n);
		assert(has_parameter(path, parameter) || span_eq(unpierce(&u, u.sent, &a), path));
		assert(unpierce(&u, text, &a).n <= text.n);
	}
	struct unpierce only = { .parameter = parameter };
	arena_init(&a, memory, sizeof(memory), 0);
	assert(unpierce(&only, text, &a).n <= text.n);
	return 0;
}
