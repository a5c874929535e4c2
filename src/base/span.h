/*
 * Text as pointer and length, passed by value.
 *
 * A span points into memory that somebody else owns; it is never NUL-terminated and never freed.  Comparisons
 * that ignore case do so for ASCII only, as HTTP asks (RFC 9110 section 5.1), whatever the locale.
 */
#ifndef FRESHET_BASE_SPAN_H
#define FRESHET_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct span {
	const char *p; /* borrowed; may be NULL when n is 0 */
	size_t n;
};

/* A span over a string literal. */
#define SPAN(literal) ((struct span){ literal, sizeof(literal) - 1 })
#define SPAN_NONE ((struct span){ NULL, 0 })

/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).n, (s).p

static inline struct span span_of(const char *p, size_t n)
{
	return (struct span){ p, n };
}

static inline struct span span_str(const char *nul_terminated)
{
	return (struct span){ nul_terminated, strlen(nul_terminated) };
}

/* From offset `from` to the end; empty where that lies beyond. */
static inline struct span span_from(struct span s, size_t from)
{
	return from < s.n ? (struct span){ s.p + from, s.n - from } : SPAN_NONE;
}

static inline struct span span_first(struct span s, size_t n)
{
	return (struct span){ s.p, n < s.n ? n : s.n };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, -1 for anything else. */
int ascii_hex(char c);

/* Equal but for the case of ASCII letters. */
bool span_ieq(struct span a, struct span b);
bool span_istarts(struct span s, struct span prefix);

/* Offset of the first c, or s.n. */
size_t span_find(struct span s, char c);

/* Without the optional white space (SP, HTAB) at both ends (RFC 9110 section 5.6.3). */
struct span span_trim(struct span s);

/*
 * Takes the next element of a comma-separated list (RFC 9110 section 5.6.1) off *rest: trimmed, empty elements
 * skipped, commas inside quoted strings kept.  False when the list is exhausted.
 */
bool span_list_next(struct span *rest, struct span *element) MUST_CHECK;

/* Whether a comma-separated list holds this token, in any case. */
bool span_list_has(struct span list, struct span token);

/* Parse a decimal.  False, with *out untouched, on junk, an empty span, or a value over max. */
bool span_u64(struct span s, uint64_t max, uint64_t *out) MUST_CHECK;

/* A hash that the case of letters does not change (FNV-1a), for tables of names; `salt` tells apart what has one name. */
uint32_t span_ihash(struct span s, uint32_t salt);

/* Writes n in decimal at out (20 bytes at most), no NUL; returns the length. */
size_t span_put_u64(char *out, uint64_t n);

/* The last `digits` decimal digits of n, with leading zeros. */
void span_put_digits(char *out, size_t digits, uint64_t n);

/* Writes n in hexadecimal at out (16 bytes at most), no NUL; returns the length. */
size_t span_put_hex(char *out, uint64_t n);

#endif
