/*
 * Field names: an open-addressing table over headers.def, built once.
 */
#include "http/headers.h"

#include <assert.h>

enum {
	SLOTS = 256, /* a power of two, sparse: most lookups end at their first slot */
	NAME_MAX_LEN = 32,
};

#define HOP HEADER_FLAG_HOP
#define FRAMING HEADER_FLAG_FRAMING
#define KEEP HEADER_FLAG_KEEP
#define CACHING HEADER_FLAG_CACHING
#define ROUTING HEADER_FLAG_ROUTING

static const struct span names[HEADER_COUNT] = {
	[HEADER_OTHER] = { "", 0 },
#define HEADER(id, text, bits, where) [HEADER_##id] = { text, sizeof(text) - 1 },
#include "http/headers.def"
#undef HEADER
};

const uint8_t header_flag_bits[HEADER_COUNT] = {
#define HEADER(id, text, bits, where) [HEADER_##id] = (bits),
#include "http/headers.def"
#undef HEADER
};

/* Length and name together, so that a slot that does not fit costs one cache line at most. */
struct slot {
	uint8_t id;
	uint8_t len; /* 0: free */
	char name[NAME_MAX_LEN - 2];
};

static struct slot slots[SLOTS];
static char display[HEADER_COUNT][NAME_MAX_LEN];

/* Length, first, middle and last letter, times a number that was searched for until two names in a hundred collided. */
static inline unsigned slot_of(struct span name)
{
	uint32_t first = (unsigned char)name.p[0], middle = (unsigned char)name.p[name.n / 2];
	uint32_t last = (unsigned char)name.p[name.n - 1];

	return ((first | middle << 8 | last << 16 | 0x202020 | (uint32_t)name.n << 24) * UINT32_C(0x0756b96d)) >> 24;
}

/* "cache-control" to "Cache-Control". */
static void capitalise(struct span name, char *out)
{
	bool start = true;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		out[i] = start && c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
		start = c == '-';
	}
}

static void slot_fill(enum header id)
{
	struct span name = names[id];
	unsigned at = slot_of(name);

	assert(name.n && name.n <= sizeof(slots[at].name));
	while (slots[at].id)
		at = (at + 1) & (SLOTS - 1);
	slots[at] = (struct slot){ .id = (uint8_t)id, .len = (uint8_t)name.n };
	memcpy(slots[at].name, name.p, name.n);
}

void headers_init(void)
{
	memset(slots, 0, sizeof(slots));
	for (unsigned id = 1; id < HEADER_COUNT; id++) {
		slot_fill((enum header)id);
		capitalise(names[id], display[id]);
	}
	memcpy(display[HEADER_ETAG], "ETag", 4);
	memcpy(display[HEADER_TE], "TE", 2);
}

/*
 * Whether eight letters are the same but for case: they may differ in bit 0x20 only, and only where the known
 * byte is a letter (bit 0x40), not a digit or a hyphen.
 */
static bool same_8(const char *known, const char *name)
{
	uint64_t a, b;

	memcpy(&a, known, sizeof(a));
	memcpy(&b, name, sizeof(b));
	return ((a ^ b) & ~((a & UINT64_C(0x4040404040404040)) >> 1)) == 0;
}

static bool same_4(const char *known, const char *name)
{
	uint32_t a, b;

	memcpy(&a, known, sizeof(a));
	memcpy(&b, name, sizeof(b));
	return ((a ^ b) & ~((a & UINT32_C(0x40404040)) >> 1)) == 0;
}

/* By words, the last one overlapping its predecessor.  `known` is lower-case. */
static inline bool same_name(const char *known, const char *name, size_t n)
{
	if (n < 4) {
		for (size_t i = 0; i < n; i++)
			if (known[i] != ascii_lower(name[i]))
				return false;
		return true;
	}
	if (n < 8)
		return same_4(known, name) && same_4(known + n - 4, name + n - 4);
	for (size_t i = 0; i + 8 < n; i += 8)
		if (!same_8(known + i, name + i))
			return false;
	return same_8(known + n - 8, name + n - 8);
}

/* Of a name that is not in the list.  Apart, so that the ordinary lookup calls nothing. */
static __attribute__((noinline)) enum header by_suffix(struct span name)
{
	struct span suffix = SPAN("-cache-control");

	if (name.n > suffix.n && ascii_lower(name.p[name.n - 1]) == 'l' &&
		span_ieq(span_from(name, name.n - suffix.n), suffix))
		return HEADER_TARGETED_CACHE_CONTROL;
	return HEADER_OTHER;
}

enum header header_lookup(struct span name)
{
	if (!name.n)
		return HEADER_OTHER;
	for (unsigned at = slot_of(name); slots[at].len; at = (at + 1) & (SLOTS - 1))
		if (slots[at].len == name.n && same_name(slots[at].name, name.p, name.n))
			return (enum header)slots[at].id;
	return by_suffix(name);
}

struct span header_name(enum header id)
{
	return names[id];
}

struct span header_display_name(enum header id)
{
	return span_of(display[id], names[id].n);
}
