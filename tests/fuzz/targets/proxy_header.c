/*
 * PROXY protocol headers: what is accepted lies inside the input, is accepted again alone and with other bytes behind
 * it, and no shorter beginning of it is accepted or refused.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "http/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct proxy_header *a, const struct proxy_header *b)
{
	assert(a->len == b->len && a->has_client == b->has_client);
	assert(!a->has_client || address_eq(&a->client, &b->client));
}

/* From memory of just that size. */
static enum proxy_header_result read_first(struct span bytes, size_t n, struct proxy_header *h, const char **why)
{
	char *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, bytes.p, n);
	enum proxy_header_result result = proxy_header_read(span_of(copy, n), h, why);
	free(copy);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	struct proxy_header h, again;
	const char *why = NULL;

	switch (read_first(bytes, bytes.n, &h, &why)) {
	case PROXY_HEADER_BAD:
		assert(why && *why);
		return 0;
	case PROXY_HEADER_MORE:
		assert(size < PROXY_HEADER_MAX);
		return 0;
	case PROXY_HEADER_OK:
		break;
	}
	assert(h.len > 0 && h.len <= size && h.len <= PROXY_HEADER_MAX);
	assert(read_first(bytes, h.len, &again, &why) == PROXY_HEADER_OK);
	check_same(&h, &again);
	for (size_t n = 0; n < h.len; n += h.len < 512 ? 1 : 97)
		assert(read_first(bytes, n, &again, &why) == PROXY_HEADER_MORE);
	return 0;
}
