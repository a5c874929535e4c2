/*
 * Requests written differently for the cache's eyes only.
 */
#include "policy/pierce.h"

#include <assert.h>

enum {
	LETTERS_MAX = 40,                       /* more make no difference but length */
	VARIANTS_CHECKED = 64,                  /* where a second copy would be noticed … */
	VARIANTS_SILENT = 1 << 24,              /* … and where not */
	EMPTY_VARIANTS = 16,
};

static const uint64_t variants_cap = UINT64_C(1) << 60;

/* ---- which requests */

static bool names_stream(struct span accept)
{
	struct span subtype = SPAN("/event-stream");

	while (accept.n >= subtype.n) {
		accept = span_from(accept, span_find(accept, '/'));
		if (span_istarts(accept, subtype))
			return true;
		accept = span_from(accept, 1);
	}
	return false;
}

/* Streams come from no store, and asking for one twice is a second subscriber. */
static bool wants_stream(const struct message *request)
{
	for (const struct field *f = message_field(request, HEADER_ACCEPT); f; f = message_next(request, f))
		if (names_stream(f->value))
			return true;
	return false;
}

bool pierce_concerns(const struct message *request)
{
	return (request->method_id == METHOD_GET || request->method_id == METHOD_HEAD) &&
	       request->framing == FRAMING_NONE && !request->websocket && !wants_stream(request);
}

/* ---- letters of the path */

static bool is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

/*
 * The offset of the next letter or digit from `at` on that may be escaped; s.n when there is none.  Behind a semicolon
 * servers look for their parameters (";jsessionid=") before they decode, so such segments are left alone from there.
 */
static size_t letter_next(struct span s, size_t at)
{
	while (at < s.n && !is_letter(s.p[at]) && !ascii_digit(s.p[at])) {
		if (s.p[at] == ';')
			at += span_find(span_from(s, at), '/');
		else
			at += s.p[at] == '%' ? 3 : 1;
	}
	return at < s.n ? at : s.n;
}

/* Plain, escaped, and for codes with a hexadecimal letter escaped in small letters, too. */
static unsigned choices_for(char c)
{
	return (c & 15) > 9 ? 3 : 2;
}

static size_t letters_count(struct span s)
{
	size_t count = 0;

	for (size_t at = letter_next(s, 0); at < s.n; at = letter_next(s, at + 1))
		count++;
	return count;
}

/* The letters used are the last ones: the end of a path is more often data, its beginning more often a route. */
static size_t letters_skipped(struct span s)
{
	size_t count = letters_count(s);

	return count > LETTERS_MAX ? count - LETTERS_MAX : 0;
}

/* In how many ways it can be written, this one included, as far as that fits. */
static uint64_t variants_of(struct span s)
{
	size_t skip = letters_skipped(s);
	uint64_t n = 1;

	for (size_t at = letter_next(s, 0); at < s.n && n < variants_cap; at = letter_next(s, at + 1))
		if (skip)
			skip--;
		else
			n *= choices_for(s.p[at]);
	return n;
}

static size_t put_escape(char *out, char c, bool small)
{
	const char *digits = small ? "0123456789abcdef" : "0123456789ABCDEF";

	out[0] = '%';
	out[1] = digits[(unsigned char)c >> 4];
	out[2] = digits[(unsigned char)c & 15];
	return 3;
}

/* Writes s with its letters as the token chooses, never all plain; returns the length, at most 2 * LETTERS_MAX more. */
static size_t put_variant(char *out, struct span s, uint64_t token)
{
	uint64_t variants = variants_of(s), rest;
	size_t n = 0, skip = letters_skipped(s), next = letter_next(s, 0);

	assert(variants > 1);
	rest = 1 + token % (variants - 1);
	for (size_t i = 0; i < s.n; i++) {
		unsigned choice = 0;

		if (i == next) {
			next = letter_next(s, i + 1);
			if (skip) {
				skip--;
			} else {
				choice = (unsigned)(rest % choices_for(s.p[i]));
				rest /= choices_for(s.p[i]);
			}
		}
		if (choice)
			n += put_escape(out + n, s.p[i], choice == 2);
		else
			out[n++] = s.p[i];
	}
	return n;
}

static struct span without_query(struct span path)
{
	return span_first(path, span_find(path, '?'));
}

/* Escapes that nobody needs: what we add to them could not be told apart and taken back. */
static bool has_escaped_letter(struct span s)
{
	for (size_t i = 0; i + 2 < s.n; i++) {
		int high = s.p[i] == '%' ? ascii_hex(s.p[i + 1]) : -1, low = ascii_hex(s.p[i + 2]);

		if (high >= 0 && low >= 0 && (is_letter((char)(high << 4 | low)) || ascii_digit((char)(high << 4 | low))))
			return true;
	}
	return false;
}

/*
 * Some frameworks choose by the undecoded path what to run, and answer what they do not know with their start page.
 * Names of files are looked up decoded everywhere; other paths are changed only where such an answer would be noticed.
 */
static bool is_file(struct span path)
{
	size_t i = path.n;

	while (i && path.p[i - 1] != '/' && path.p[i - 1] != '.')
		i--;
	return i && path.p[i - 1] == '.' && i < path.n;
}

static bool bears_path(const struct pierce_facts *f)
{
	struct span path = without_query(f->path);

	if (has_escaped_letter(path) || (!f->original_known && !is_file(path)))
		return false;
	return variants_of(path) >= (f->is_checked ? VARIANTS_CHECKED : VARIANTS_SILENT);
}

/* ---- rungs */

/*
 * Of all that answers vary by, only User-Agent bears an addition without a meaning: it is a list of products, and unknown
 * ones are passed over (RFC 9110 section 10.1.5).  Cookie and Authorization say who asks, Origin what for, Accept and its
 * kin and the client hints what to answer.  Where there is none, one would make the client another.
 */
static bool bears_vary(const struct pierce_facts *f)
{
	return f->agent_varies && !f->agent_signed && message_has(f->request, HEADER_USER_AGENT);
}

/* What comes with credentials is often signed in ways that nobody can know, and logged by its URL. */
static bool bears_query(const struct pierce_facts *f)
{
	return !message_has(f->request, HEADER_AUTHORIZATION);
}

unsigned pierce_rungs(const struct pierce_facts *facts)
{
	unsigned rungs = 0;

	if (bears_path(facts))
		rungs |= RUNG_BIT(RUNG_PATH);
	if (bears_vary(facts))
		rungs |= RUNG_BIT(RUNG_VARY);
	if (bears_query(facts))
		rungs |= RUNG_BIT(RUNG_QUERY) | (facts->is_checked ? RUNG_BIT(RUNG_EMPTY) : 0);
	return rungs;
}

/* Numbers in a row become ones that look random, no two the same. */
static uint64_t scramble(uint64_t n)
{
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

static void put_token(char out[PIERCE_TOKEN_LEN], uint64_t token)
{
	uint64_t n = scramble(token);

	for (int i = PIERCE_TOKEN_LEN; i--; n >>= 4)
		out[i] = "0123456789abcdef"[n & 15];
}

static struct span path_variant(struct span path, uint64_t token, struct arena *a)
{
	struct span letters = without_query(path), query = span_from(path, letters.n);
	char *out = arena_alloc(a, path.n + 2 * LETTERS_MAX);

	if (!out)
		return SPAN_NONE;
	size_t n = put_variant(out, letters, token);
	if (query.n)
		memcpy(out + n, query.p, query.n);
	return span_of(out, n + query.n);
}

static char separator(struct span path)
{
	return span_find(path, '?') < path.n ? '&' : '?';
}

static struct span with_parameter(struct span path, struct span parameter, uint64_t token, struct arena *a)
{
	size_t n = path.n;
	char *out = arena_alloc(a, n + 1 + parameter.n + 1 + PIERCE_TOKEN_LEN);

	if (!out)
		return SPAN_NONE;
	memcpy(out, path.p, n);
	out[n++] = separator(path);
	memcpy(out + n, parameter.p, parameter.n);
	n += parameter.n;
	out[n++] = '=';
	put_token(out + n, token);
	return span_of(out, n + PIERCE_TOKEN_LEN);
}

static struct span with_empty_parameters(struct span path, uint64_t token, struct arena *a)
{
	size_t count = 1 + token % EMPTY_VARIANTS;
	char *out = arena_alloc(a, path.n + 1 + count);

	if (!out)
		return SPAN_NONE;
	memcpy(out, path.p, path.n);
	out[path.n] = separator(path);
	memset(out + path.n + 1, '&', count);
	return span_of(out, path.n + 1 + count);
}

struct span pierce_path(struct span path, enum rung rung, struct span parameter, uint64_t token, struct arena *a)
{
	switch (rung) {
	case RUNG_PATH:
		return path_variant(path, token, a);
	case RUNG_QUERY:
		return with_parameter(path, parameter, token, a);
	case RUNG_EMPTY:
		return with_empty_parameters(path, token, a);
	case RUNG_ORIGINAL:
	case RUNG_VARY:
	case RUNG_COUNT:
		break;
	}
	return path;
}

struct span pierce_agent(struct span agent, uint64_t token, struct arena *a)
{
	struct span product = SPAN(" freshet/");
	char *out = arena_alloc(a, agent.n + product.n + PIERCE_TOKEN_LEN);

	if (!out)
		return SPAN_NONE;
	memcpy(out, agent.p, agent.n);
	memcpy(out + agent.n, product.p, product.n);
	put_token(out + agent.n + product.n, token);
	return span_of(out, agent.n + product.n + PIERCE_TOKEN_LEN);
}

bool pierce_varies(const struct message *response)
{
	return message_list_has(response, HEADER_VARY, header_name(HEADER_USER_AGENT));
}

const char *rung_name(enum rung rung)
{
	switch (rung) {
	case RUNG_PATH:
		return "path";
	case RUNG_VARY:
		return "vary";
	case RUNG_QUERY:
		return "query";
	case RUNG_EMPTY:
		return "empty";
	case RUNG_ORIGINAL:
	case RUNG_COUNT:
		break;
	}
	return NULL;
}
