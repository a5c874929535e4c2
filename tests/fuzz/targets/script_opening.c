/*
 * Beginnings of scripts: what is decided by some bytes stays so with more of them, and with all there is a decision.
 */
#include <assert.h>
#include <stdint.h>

#include "policy/script_opening.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span script = span_of((const char *)data, size);
	enum script_opening decision = script_opening(script, true);

	assert(decision != SCRIPT_UNDECIDED);
	for (size_t n = 0; n <= size; n++) {
		enum script_opening early = script_opening(span_first(script, n), false);

		assert(early == SCRIPT_UNDECIDED || early == decision);
	}
	return 0;
}
