/*
 * Text as pointer and length: the parts too long to inline.  Pure, never allocates.
 */
#include "base/span.h"

int ascii_hex(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Eight letters at once.  The sums carry into a byte's top bit from 'A' on, and from behind 'Z' on. */
static inline uint64_t lower_8(uint64_t word)
{
	uint64_t low = word & UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t from_a = low + UINT64_C(0x3f3f3f3f3f3f3f3f), behind_z = low + UINT64_C(0x2525252525252525);

	return word | ((from_a & ~behind_z & ~word & UINT64_C(0x8080808080808080)) >> 2);
}

static inline bool ieq_8(const char *a, const char *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x == y || lower_8(x) == lower_8(y);
}

/* Four to seven letters as one word, the halves overlapping. */
static inline uint64_t word_of(const char *s, size_t n)
{
	uint32_t first, last;

	memcpy(&first, s, sizeof(first));
	memcpy(&last, s + n - sizeof(last), sizeof(last));
	return (uint64_t)last << 32 | first;
}

/* By words, the last one overlapping its predecessor. */
static bool ieq_n(const char *a, const char *b, size_t n)
{
	if (n < 4) {
		for (size_t i = 0; i < n; i++)
			if (ascii_lower(a[i]) != ascii_lower(b[i]))
				return false;
		return true;
	}
	if (n < 8)
		return lower_8(word_of(a, n)) == lower_8(word_of(b, n));
	for (size_t i = 0; i + 8 < n; i += 8)
		if (!ieq_8(a + i, b + i))
			return false;
	return ieq_8(a + n - 8, b + n - 8);
}

bool span_ieq(struct span a, struct span b)
{
	return a.n == b.n && ieq_n(a.p, b.p, a.n);
}

bool span_istarts(struct span s, struct span prefix)
{
	return s.n >= prefix.n && ieq_n(s.p, prefix.p, prefix.n);
}

size_t span_find(struct span s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The offset of the comma that ends the first element, or s.n; commas inside of quoted strings end nothing. */
static size_t element_end(struct span s)
{
	size_t comma = span_find(s, ',');
	bool quoted = false;

	if (span_find(span_first(s, comma), '"') == comma)
		return comma; /* nearly always */

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == ',' && !quoted)
			return i;
	}
	return s.n;
}

bool span_list_next(struct span *rest, struct span *element)
{
	while (rest->n) {
		size_t end = element_end(*rest);
		struct span e = span_trim(span_first(*rest, end));

		*rest = span_from(*rest, end + 1);
		if (e.n) {
			*element = e;
			return true;
		}
	}
	return false;
}

bool span_list_has(struct span list, struct span token)
{
	struct span element;

	while (span_list_next(&list, &element))
		if (span_ieq(element, token))
			return true;
	return false;
}

bool span_u64(struct span s, uint64_t max, uint64_t *out)
{
	bool may_overflow = s.n > 19;
	uint64_t n = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (unsigned char)s.p[i] - (uint64_t)'0';

		if (digit > 9 || (may_overflow && (n > UINT64_MAX / 10 || n * 10 > UINT64_MAX - digit)))
			return false;
		n = n * 10 + digit;
	}
	if (n > max)
		return false;
	*out = n;
	return true;
}

uint32_t span_ihash(struct span s, uint32_t salt)
{
	uint32_t h = 2166136261u ^ salt;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)ascii_lower(s.p[i])) * 16777619u;
	return h;
}

size_t span_put_u64(char *out, uint64_t n)
{
	char digits[20];
	size_t len = 0;

	do {
		digits[sizeof(digits) - ++len] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	memcpy(out, digits + sizeof(digits) - len, len);
	return len;
}

void span_put_digits(char *out, size_t digits, uint64_t n)
{
	while (digits--) {
		out[digits] = (char)('0' + n % 10);
		n /= 10;
	}
}

size_t span_put_hex(char *out, uint64_t n)
{
	static const char hex[] = "0123456789abcdef";
	char digits[16];
	size_t len = 0;

	do {
		digits[sizeof(digits) - ++len] = hex[n & 15];
		n >>= 4;
	} while (n);
	memcpy(out, digits + sizeof(digits) - len, len);
	return len;
}
