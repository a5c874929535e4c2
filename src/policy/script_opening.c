/*
 * Reads the directives at the front of a script.
 */
#include "policy/script_opening.h"

#define BYTE_ORDER_MARK SPAN("\xef\xbb\xbf")

/* What is left of the script; `newline` once a line ended since the last literal. */
struct scan {
	struct span rest;
	bool newline;
};

enum found {
	FOUND_NOT,
	FOUND,
	FOUND_CUT, /* the input ends in the middle of it */
};

static enum found starts_with(struct span s, struct span word)
{
	if (s.n >= word.n)
		return span_starts(s, word) ? FOUND : FOUND_NOT;
	return span_starts(word, s) ? FOUND_CUT : FOUND_NOT;
}

/* The bytes of the line end at the front: a line feed, a carriage return, U+2028 or U+2029; 0 for none. */
static size_t line_end_len(struct span s)
{
	if (s.n && (s.p[0] == '\n' || s.p[0] == '\r'))
		return 1;
	return span_starts(s, SPAN("\xe2\x80\xa8")) || span_starts(s, SPAN("\xe2\x80\xa9")) ? 3 : 0;
}

static size_t line_len(struct span s)
{
	size_t n = 0;

	while (n < s.n && !line_end_len(span_from(s, n)))
		n++;
	return n;
}

static enum found skip_blank(struct scan *t)
{
	static const struct span blanks[] = {
		{ " ", 1 }, { "\t", 1 }, { "\v", 1 }, { "\f", 1 }, { "\xc2\xa0", 2 }, { "\xef\xbb\xbf", 3 },
	};

	size_t line_end = line_end_len(t->rest);

	if (line_end) {
		t->rest = span_from(t->rest, line_end);
		t->newline = true;
		return FOUND;
	}
	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		enum found found = starts_with(t->rest, blanks[i]);

		if (found == FOUND)
			t->rest = span_from(t->rest, blanks[i].n);
		if (found != FOUND_NOT)
			return found;
	}
	return t->rest.n < 3 && t->rest.p[0] == '\xe2' ? FOUND_CUT : FOUND_NOT;
}

static enum found skip_comment(struct scan *t)
{
	enum found line = starts_with(t->rest, SPAN("//")), block = starts_with(t->rest, SPAN("/*"));

	if (line == FOUND) {
		size_t n = line_len(t->rest);

		t->rest = span_from(t->rest, n);
		return t->rest.n ? FOUND : FOUND_CUT;
	}
	if (block != FOUND)
		return line == FOUND_CUT || block == FOUND_CUT ? FOUND_CUT : FOUND_NOT;
	for (size_t i = 2; i + 1 < t->rest.n; i++) {
		if (t->rest.p[i] != '*' || t->rest.p[i + 1] != '/')
			continue;
		t->newline = t->newline || line_len(span_first(t->rest, i)) < i;
		t->rest = span_from(t->rest, i + 2);
		return FOUND;
	}
	return FOUND_CUT;
}

/* Goes to the next token.  False when the input ends first. */
static bool next_token(struct scan *t)
{
	while (t->rest.n) {
		enum found found = skip_blank(t);

		if (found == FOUND_NOT)
			found = skip_comment(t);
		if (found == FOUND_CUT)
			return false;
		if (found == FOUND_NOT)
			return true;
	}
	return false;
}

/* A string literal, without its quotes; it has no line ends but escaped ones. */
static enum found take_literal(struct scan *t, struct span *out)
{
	char quote = t->rest.p[0];

	if (quote != '"' && quote != '\'')
		return FOUND_NOT;
	for (size_t i = 1; i < t->rest.n; i++) {
		char c = t->rest.p[i];

		if (c == quote) {
			*out = span_first(span_from(t->rest, 1), i - 1);
			t->rest = span_from(t->rest, i + 1);
			t->newline = false;
			return FOUND;
		}
		if (c == '\\')
			i++;
		else if (c == '\n' || c == '\r')
			return FOUND_NOT;
	}
	return FOUND_CUT;
}

/*
 * Whether the statement, all of it a literal until here, ends before the token at hand.  Behind a line's end it does
 * unless the token could go on with the expression (ECMAScript 12.10).
 */
static bool ends_here(const struct scan *t)
{
	struct span going_on = SPAN(".[(+-*/,?:<>=&|^%`");
	char c = t->rest.p[0];

	return c == ';' || (t->newline && span_find(going_on, c) == going_on.n);
}

static struct span behind_mark(struct span start)
{
	return span_starts(start, BYTE_ORDER_MARK) ? span_from(start, BYTE_ORDER_MARK.n) : start;
}

bool script_has_hashbang(struct span start)
{
	return span_starts(behind_mark(start), SPAN("#!"));
}

enum script_opening script_opening(struct span start, bool whole)
{
	enum script_opening at_end = whole ? SCRIPT_PLAIN : SCRIPT_UNDECIDED;
	struct scan t = { .rest = behind_mark(start) };
	struct span literal;

	if (script_has_hashbang(start))
		t.rest = span_from(t.rest, line_len(t.rest));
	else if (starts_with(t.rest, SPAN("#!")) == FOUND_CUT)
		return at_end;
	while (next_token(&t)) {
		enum found found = take_literal(&t, &literal);

		if (found == FOUND_CUT)
			return at_end;
		if (found == FOUND_NOT)
			return SCRIPT_PLAIN;
		bool strict = span_eq(literal, SPAN("use strict"));
		if (!next_token(&t))
			return whole && strict ? SCRIPT_STRICT : at_end;
		if (!ends_here(&t))
			return SCRIPT_PLAIN;
		if (strict)
			return SCRIPT_STRICT;
		if (t.rest.p[0] == ';')
			t.rest = span_from(t.rest, 1);
	}
	return at_end;
}
