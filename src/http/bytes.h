/*
 * Which bytes may stand where in a head, and the search for the first that may not, 16 at a time.
 *
 * Everything is inline: the guard spends its time here.  Without SSE2 the same blocks are judged by table.
 */
#ifndef FRESHET_HTTP_BYTES_H
#define FRESHET_HTTP_BYTES_H

#include "base/span.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Classes, as bits. */
enum {
	BYTE_TEXT = 1,   /* anything but controls; HTAB is text */
	BYTE_TARGET = 2, /* 0x21 to 0x7E without '#' */
	BYTE_TOKEN = 4,  /* RFC 9110 section 5.6.2 */
	BYTE_HOST = 8,   /* of a reg-name: unreserved, sub-delims, '%' (RFC 3986 section 3.2.2) */
	BYTE_ALL = BYTE_TEXT | BYTE_TARGET | BYTE_TOKEN | BYTE_HOST,
};

static const uint8_t class_of[256] = {
	['\t'] = BYTE_TEXT,
	[' '] = BYTE_TEXT,
	['!'] = BYTE_ALL,
	['"'] = BYTE_TEXT | BYTE_TARGET,
	['#'] = BYTE_TEXT | BYTE_TOKEN,
	['$' ... '\''] = BYTE_ALL,
	['(' ... ')'] = BYTE_TEXT | BYTE_TARGET | BYTE_HOST,
	['*' ... '+'] = BYTE_ALL,
	[','] = BYTE_TEXT | BYTE_TARGET | BYTE_HOST,
	['-' ... '.'] = BYTE_ALL,
	['/'] = BYTE_TEXT | BYTE_TARGET,
	['0' ... '9'] = BYTE_ALL,
	[':'] = BYTE_TEXT | BYTE_TARGET,
	[';'] = BYTE_TEXT | BYTE_TARGET | BYTE_HOST,
	['<'] = BYTE_TEXT | BYTE_TARGET,
	['='] = BYTE_TEXT | BYTE_TARGET | BYTE_HOST,
	['>' ... '@'] = BYTE_TEXT | BYTE_TARGET,
	['A' ... 'Z'] = BYTE_ALL,
	['[' ... ']'] = BYTE_TEXT | BYTE_TARGET,
	['^'] = BYTE_TEXT | BYTE_TARGET | BYTE_TOKEN,
	['_'] = BYTE_ALL,
	['`'] = BYTE_TEXT | BYTE_TARGET | BYTE_TOKEN,
	['a' ... 'z'] = BYTE_ALL,
	['{'] = BYTE_TEXT | BYTE_TARGET,
	['|'] = BYTE_TEXT | BYTE_TARGET | BYTE_TOKEN,
	['}'] = BYTE_TEXT | BYTE_TARGET,
	['~'] = BYTE_ALL,
	[0x80 ... 0xff] = BYTE_TEXT,
};

static inline bool byte_is(char c, unsigned class)
{
	return class_of[(unsigned char)c] & class;
}

enum { BYTES_BLOCK = 16, BYTES_WIDE = 64 };

static inline const char *bytes_skip(const char *p, const char *end, unsigned class)
{
	while (p < end && byte_is(*p, class))
		p++;
	return p;
}

#ifdef __SSE2__

static inline __m128i load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* One bit per byte that is a control byte but HTAB. */
static inline unsigned stops_text(const char *p)
{
	__m128i x = load(p), low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
	__m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\t')), low);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f))));
}

/* One bit per byte that a target cannot have.  The comparison is signed: bytes from 0x80 on are low. */
static inline unsigned stops_target(const char *p)
{
	__m128i x = load(p), low = _mm_cmplt_epi8(x, _mm_set1_epi8(0x21));
	__m128i other = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('#')), _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, other));
}

static inline __m128i within(__m128i x, char first, char last)
{
	return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8((char)(first - 1))),
		_mm_cmplt_epi8(x, _mm_set1_epi8((char)(last + 1))));
}

/* One bit per byte that is no letter, digit or hyphen: what most names are made of, not all of BYTE_TOKEN. */
static inline unsigned stops_name(const char *p)
{
	__m128i x = load(p), letter = within(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
	__m128i other = _mm_or_si128(within(x, '0', '9'), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));

	return ~(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, other)) & 0xffff;
}

#else

static inline unsigned stops_of(const char *p, unsigned class)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < BYTES_BLOCK; i++)
		mask |= (unsigned)!byte_is(p[i], class) << i;
	return mask;
}

static inline unsigned stops_text(const char *p)
{
	return stops_of(p, BYTE_TEXT);
}

static inline unsigned stops_target(const char *p)
{
	return stops_of(p, BYTE_TARGET);
}

static inline unsigned stops_name(const char *p)
{
	return stops_of(p, BYTE_TOKEN);
}

#endif

static inline uint64_t stops_text_wide(const char *p)
{
	return stops_text(p) | (uint64_t)stops_text(p + 16) << 16 | (uint64_t)stops_text(p + 32) << 32 |
		(uint64_t)stops_text(p + 48) << 48;
}

/* The same for 8 to 15 bytes: both ends side by side make a block. */
static inline bool stops_short(const char *p, const char *end, unsigned (*stops_in)(const char *))
{
	char block[BYTES_BLOCK];

	memcpy(block, p, BYTES_BLOCK / 2);
	memcpy(block + BYTES_BLOCK / 2, end - BYTES_BLOCK / 2, BYTES_BLOCK / 2);
	return stops_in(block);
}

/* The search for a stop, block by block; the last block overlaps its predecessor, which had none. */
static inline const char *first_stop(const char *p, const char *end, unsigned (*stops_in)(const char *), unsigned class)
{
	if (end - p < BYTES_BLOCK)
		return end - p >= BYTES_BLOCK / 2 && !stops_short(p, end, stops_in) ? end : bytes_skip(p, end, class);
	for (; end - p > BYTES_BLOCK; p += BYTES_BLOCK) {
		unsigned stops = stops_in(p);

		if (stops)
			return p + __builtin_ctz(stops);
	}
	unsigned last = stops_in(end - BYTES_BLOCK);
	return last ? end - BYTES_BLOCK + __builtin_ctz(last) : end;
}

static inline const char *target_end(const char *p, const char *end)
{
	return first_stop(p, end, stops_target, BYTE_TARGET);
}

static inline const char *token_end(const char *p, const char *end)
{
	while (end - p >= BYTES_BLOCK) {
		unsigned stops = stops_name(p);

		if (!stops) {
			p += BYTES_BLOCK;
			continue;
		}
		p += __builtin_ctz(stops);
		if (*p == ':' || !byte_is(*p, BYTE_TOKEN))
			return p;
		p++;
	}
	return bytes_skip(p, end, BYTE_TOKEN);
}

/* The first control byte other than HTAB, or end. */
static inline const char *text_end(const char *p, const char *end)
{
	return first_stop(p, end, stops_text, BYTE_TEXT);
}

#endif
