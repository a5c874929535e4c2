/*
 * ClientHellos: a whole one is whole again with bytes behind it, gives the same facts in records of another size, and no
 * beginning of it is anything but incomplete or the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From memory of just that size. */
static enum hello_progress read_first(const uint8_t *data, size_t n, struct hello *h, const char **why)
{
	char *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, data, n);
	enum hello_progress progress = hello_read(span_of(copy, n), h, why);
	free(copy);
	return progress;
}

static void check_facts(const struct hello *h)
{
	assert(h->name_len <= HELLO_NAME_MAX && strlen(h->name) == h->name_len);
	for (size_t i = 0; i < h->name_len; i++)
		assert((h->name[i] >= 'a' && h->name[i] <= 'z') || ascii_digit(h->name[i]) || strchr("-._", h->name[i]));
	assert(h->has_alpn || !h->has_alpn_http1);
}

static void check_same(const struct hello *a, const struct hello *b)
{
	assert(a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0);
	assert(a->has_alpn == b->has_alpn && a->has_alpn_http1 == b->has_alpn_http1);
	assert(a->is_encrypted == b->is_encrypted && a->version == b->version);
}

/* The first record's bytes in two records. */
static void check_divided(const uint8_t *data, size_t size, const struct hello *h)
{
	size_t len = (size_t)data[3] << 8 | data[4], first = len / 2;
	struct hello again;
	const char *why = NULL;

	if (len < 2 || len > size - 5)
		return;
	uint8_t *copy = malloc(size + 5);
	if (!copy)
		abort();
	memcpy(copy, data, 5 + first);
	memcpy(copy + 5 + first, data, 5);
	memcpy(copy + 10 + first, data + 5 + first, size - 5 - first);
	copy[3] = (uint8_t)(first >> 8);
	copy[4] = (uint8_t)first;
	copy[8 + first] = (uint8_t)((len - first) >> 8);
	copy[9 + first] = (uint8_t)(len - first);
	assert(read_first(copy, size + 5, &again, &why) == HELLO_WHOLE);
	check_same(h, &again);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h, again;
	const char *why = NULL;

	switch (read_first(data, size, &h, &why)) {
	case HELLO_BAD:
		assert(why && *why);
		return 0;
	case HELLO_MORE:
		assert(size <= 6 * (HELLO_BYTES_MAX + 4));
		return 0;
	case HELLO_NOT_TLS:
		return 0;
	case HELLO_WHOLE:
		break;
	}
	check_facts(&h);
	check_divided(data, size, &h);
	for (size_t n = 0; n < size; n += size < 600 ? 1 : 97) {
		enum hello_progress progress = read_first(data, n, &again, &why);

		assert(progress == HELLO_MORE || progress == HELLO_WHOLE);
		if (progress == HELLO_WHOLE)
			check_same(&h, &again);
	}
	return 0;
}
