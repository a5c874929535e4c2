/*
 * Hiding secrets in URLs: whatever comes, it ends, what is hidden takes no more room than "***" for a byte, and of a
 * token nothing is left.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "inspect/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct span SECRET = { "&token=s3cr3tM4rk", 17 };

static bool has_mark(struct span s)
{
	return memmem(s.p, s.n, "s3cr3tM4rk", 10) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room = 8 * size + 64;
	char *url = malloc(size + SECRET.n), *out = malloc(room);
	struct line l = line_of(out, room);

	assert(url && out);
	if (size)
		memcpy(url, data, size);
	memcpy(url + size, SECRET.p, SECRET.n);
	redact_url(&l, span_of(url, size + SECRET.n));
	assert(!l.cut);
	if (!has_mark(span_of(url, size)))
		assert(!has_mark(span_of(out, l.n)));
	free(out);
	free(url);
	return 0;
}
