/*
 * URLs as they were.
 */
#include "policy/unpierce.h"

#include "policy/pierce.h"

/* One pass through the text. */
struct pass {
	struct span text;
	size_t at;
	struct span sent_path, original_path;         /* without queries; empty when the path was not changed */
	struct span sent_encoded, original_encoded;   /* the same as part of another URL's query */
	bool in_query;                                /* behind '?' or '#': not ours but where it is exactly ours */
	char *out;
	size_t n;
};

/* ---- the parameter */

/* A reserved character as such, percent-encoded, or so twice; its length at the front of s, 0 for anything else. */
static size_t reserved_length(struct span s, const char *plain, const char *once, const char *twice)
{
	if (span_starts(s, span_str(plain)))
		return strlen(plain);
	if (span_istarts(s, span_str(once)))
		return strlen(once);
	return span_istarts(s, span_str(twice)) ? strlen(twice) : 0;
}

static size_t question_length(struct span s)
{
	return reserved_length(s, "?", "%3F", "%253F");
}

static size_t ampersand_length(struct span s)
{
	return reserved_length(s, "&", "%26", "%2526");
}

static size_t equals_length(struct span s)
{
	return reserved_length(s, "=", "%3D", "%253D");
}

static bool is_token(struct span s)
{
	if (s.n < PIERCE_TOKEN_LEN)
		return false;
	for (size_t i = 0; i < PIERCE_TOKEN_LEN; i++)
		if (!ascii_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return s.n == PIERCE_TOKEN_LEN || ascii_hex(s.p[PIERCE_TOKEN_LEN]) < 0;
}

/* The length of "name=token" at the front of s, or 0. */
static size_t parameter_length(struct span name, struct span s)
{
	size_t equals;

	if (!span_starts(s, name))
		return 0;
	equals = equals_length(span_from(s, name.n));
	if (!equals || !is_token(span_from(s, name.n + equals)))
		return 0;
	return name.n + equals + PIERCE_TOKEN_LEN;
}

/* How much goes where parameters of ours stand behind a separator; *keep of it, from its beginning, stays. */
static size_t separated_length(struct span name, struct span s, size_t *keep)
{
	size_t question = question_length(s), n = question ? question : ampersand_length(s);
	size_t parameter = n ? parameter_length(name, span_from(s, n)) : 0, next;

	*keep = 0;
	if (!parameter)
		return 0;
	n += parameter;
	while (question && (next = ampersand_length(span_from(s, n)))) {
		parameter = parameter_length(name, span_from(s, n + next));
		n += next + parameter;
		if (parameter)
			continue;
		*keep = question; /* "?ours&theirs": the mark stays for theirs */
		break;
	}
	return n;
}

/* ---- the path */

static struct span without_query(struct span path)
{
	return span_first(path, span_find(path, '?'));
}

/* As encodeURIComponent() would: of what paths hold only what has a meaning in queries, "%" and "/". */
static struct span encoded(struct span s, struct arena *a)
{
	char *out = arena_alloc(a, 3 * s.n + 1);
	size_t n = 0;

	if (!out)
		return SPAN_NONE;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%' && s.p[i] != '/') {
			out[n++] = s.p[i];
			continue;
		}
		memcpy(out + n, s.p[i] == '%' ? "%25" : "%2F", 3);
		n += 3;
	}
	return span_of(out, n);
}

/* An escape that stands for a letter or digit: before we came there was none in the path (pierce.c sees to that). */
static bool is_escaped_letter(struct span s, char *letter)
{
	int high, low;

	if (s.n < 3 || s.p[0] != '%')
		return false;
	high = ascii_hex(s.p[1]);
	low = ascii_hex(s.p[2]);
	if (high < 0 || low < 0)
		return false;
	*letter = (char)(high << 4 | low);
	char small = ascii_lower(*letter);
	return ascii_digit(small) || (small >= 'a' && small <= 'z');
}

/* ---- passing through */

static void put(struct pass *p, struct span s)
{
	if (s.n)
		memcpy(p->out + p->n, s.p, s.n);
	p->n += s.n;
}

static bool replace(struct pass *p, struct span from, struct span to)
{
	if (!from.n || !span_starts(span_from(p->text, p->at), from))
		return false;
	put(p, to);
	p->at += from.n;
	p->in_query = p->in_query || span_find(from, '?') < from.n;
	return true;
}

static bool drop_parameter(struct pass *p, struct span name)
{
	size_t keep, length = separated_length(name, span_from(p->text, p->at), &keep);

	put(p, span_of(p->text.p + p->at, keep));
	p->at += length;
	return length > 0;
}

static bool decode_letter(struct pass *p)
{
	char letter;

	if (!p->sent_path.n || p->in_query || !is_escaped_letter(span_from(p->text, p->at), &letter))
		return false;
	p->out[p->n++] = letter;
	p->at += 3;
	return true;
}

static void copy(struct pass *p)
{
	char c = p->text.p[p->at++];

	if (c == '?' || c == '#')
		p->in_query = true;
	else if (c == '<' || c == ' ') /* the next URL of Link or Refresh */
		p->in_query = false;
	p->out[p->n++] = c;
}

static void run(struct pass *p, const struct unpierce *u)
{
	while (p->at < p->text.n) {
		if (drop_parameter(p, u->parameter) || replace(p, u->sent, u->original) ||
			replace(p, p->sent_path, p->original_path) || replace(p, p->sent_encoded, p->original_encoded) ||
			decode_letter(p))
			continue;
		copy(p);
	}
}

/* A path that was changed is replaced also where the query behind it is another. */
static void prepare_path(struct pass *p, const struct unpierce *u, struct arena *a)
{
	struct span sent = without_query(u->sent), original = without_query(u->original);

	if (span_eq(sent, original))
		return;
	p->sent_path = sent;
	p->original_path = original;
	p->original_encoded = encoded(original, a);
	p->sent_encoded = p->original_encoded.n ? encoded(sent, a) : SPAN_NONE;
}

/* For short texts, of which every request has one: memmem() would first make itself a table. */
static bool holds(struct span text, struct span part)
{
	for (size_t at; text.n >= part.n; text = span_from(text, at + 1)) {
		at = span_find(text, part.p[0]);
		if (span_starts(span_from(text, at), part))
			return true;
	}
	return false;
}

bool unpierce_finds(const struct unpierce *u, struct span text)
{
	if (text.n > u->parameter.n + PIERCE_TOKEN_LEN && holds(text, u->parameter))
		return true;
	return u->sent.n && (span_find(text, '%') < text.n || holds(text, u->sent));
}

struct span unpierce(const struct unpierce *u, struct span text, struct arena *a)
{
	struct pass p = { .text = text };

	if (!unpierce_finds(u, text))
		return text;
	/* Nothing grows: what was sent is longer than what was asked for. */
	p.out = arena_alloc(a, text.n);
	if (!p.out)
		return text;
	prepare_path(&p, u, a);
	run(&p, u);
	return span_of(p.out, p.n);
}
