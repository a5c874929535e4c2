/*
 * Fields of caches taken apart, one function for each shape of evidence.def.
 *
 * A list in one field, and lines of one field, are read as grown from the origin to the client, each cache adding
 * behind its predecessor: that is so in Cache-Status, X-Cache, X-Varnish and Fastly's debug fields.
 */
#include "policy/layers.h"

#include "http/cache_control.h"

enum {
	PLAIN = 1 << 0,
	NGINX = 1 << 1,
	CLOUDFLARE = 1 << 2,
	CLOUDFRONT = 1 << 3,
	APACHE = 1 << 4,
	VARNISH = 1 << 5,
	UNCACHEABLE = 1 << 6,
	GOOGLE = 1 << 7,
	XDEBUG = 1 << 8,
	VERCEL = 1 << 9,
	TCP = 1 << 10,
	AKAMAI = 1 << 11,
	HUAWEI = 1 << 12,
	TRACE = 1 << 13,
};

static void name_servers(struct layers *out, const struct message *m);

struct word {
	unsigned vocabulary;
	struct span text;
	enum layer_outcome outcome;
};

struct source {
	enum header id;
	struct span name;
	/* Appends what one line of the field says, in its order. */
	void (*read)(struct layers *out, const struct source *s, const struct message *m, struct span value);
	enum layer_confidence confidence;
	unsigned vocabularies;
};

#define WORD(vocabulary, text, outcome)
#define SOURCE(id, name, shape, confidence, vocabularies) \
	static void shape(struct layers *out, const struct source *s, const struct message *m, struct span value);
#include "policy/evidence.def"
#undef WORD
#undef SOURCE

static const struct word words[] = {
#define WORD(vocabulary, text, outcome) { vocabulary, { text, sizeof(text) - 1 }, LAYER_##outcome },
#define SOURCE(id, name, shape, confidence, vocabularies)
#include "policy/evidence.def"
#undef WORD
#undef SOURCE
};

static const struct source sources[] = {
#define WORD(vocabulary, text, outcome)
#define SOURCE(id, name, shape, confidence, vocabularies) \
	{ HEADER_##id, { name, sizeof(name) - 1 }, shape, LAYER_##confidence, vocabularies },
#include "policy/evidence.def"
#undef WORD
#undef SOURCE
};

#define BIT_IN(half, id) ((id) >> 6 == (half) ? UINT64_C(1) << ((id) & 63) : 0)

/* The bits of struct message's `present` that belong to sources. */
static const uint64_t source_bits[2] = {
#define WORD(vocabulary, text, outcome)
#define SOURCE(id, name, shape, confidence, vocabularies) | BIT_IN(0, HEADER_##id)
	0
#include "policy/evidence.def"
	,
#undef SOURCE
#define SOURCE(id, name, shape, confidence, vocabularies) | BIT_IN(1, HEADER_##id)
	0
#include "policy/evidence.def"
#undef WORD
#undef SOURCE
};

bool layers_any(const struct message *m)
{
	return (m->present[0] & source_bits[0]) || (m->present[1] & source_bits[1]);
}

/* ---- the list */

static void add(struct layers *out, const struct source *s, struct span name, enum layer_outcome outcome,
	int64_t ttl_s, int64_t age_s)
{
	if (out->count == LAYERS_MAX) {
		out->overflow = true;
		return;
	}
	out->words[out->count++] = (struct layer_words){
		.name = name, .outcome = outcome, .confidence = s->confidence, .ttl_s = ttl_s, .age_s = age_s
	};
}

static void add_outcome(struct layers *out, const struct source *s, struct span name, enum layer_outcome outcome)
{
	add(out, s, name, outcome, LAYER_NO_TIME, LAYER_NO_TIME);
}

/* What one source said, turned round: from the client to the origin. */
static void reverse(struct layers *out, unsigned from)
{
	for (unsigned to = out->count; from + 1 < to; from++) {
		struct layer_words w = out->words[from];

		out->words[from] = out->words[--to];
		out->words[to] = w;
	}
}

void layers_read(const struct message *m, struct layers *out)
{
	out->count = 0;
	out->overflow = false;
	if (!layers_any(m))
		return;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const struct source *s = &sources[i];
		unsigned from = out->count;

		for (const struct field *f = message_field(m, s->id); f; f = message_next(m, f))
			s->read(out, s, m, f->value);
		reverse(out, from);
	}
	if (message_has(m, HEADER_X_SERVED_BY))
		name_servers(out, m);
}

/* Fastly's X-Served-By names the servers of X-Cache, where both list as many. */
static void name_servers(struct layers *out, const struct message *m)
{
	struct span names[LAYERS_MAX], rest;
	unsigned name_count = 0, unnamed = 0;

	for (const struct field *f = message_field(m, HEADER_X_SERVED_BY); f; f = message_next(m, f))
		for (rest = f->value; name_count < LAYERS_MAX;)
			if (!span_list_next(&rest, &names[name_count++])) {
				name_count--;
				break;
			}
	for (unsigned i = 0; i < out->count; i++)
		unnamed += span_eq(out->words[i].name, SPAN("x-cache"));
	for (unsigned i = 0; i < out->count && unnamed == name_count; i++)
		if (span_eq(out->words[i].name, SPAN("x-cache")))
			out->words[i].name = names[--name_count], unnamed--;
}

/* ---- Cache-Status, and what else has parameters */

/* Takes what stands before the next ';' outside quotes off *rest, trimmed. */
static struct span part_next(struct span *rest)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->n && (quoted || rest->p[i] != ';'); i++) {
		if (rest->p[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->p[i] == '\\')
			i++;
	}
	struct span part = span_trim(span_first(*rest, i));
	*rest = span_from(*rest, i + 1);
	return part;
}

static struct span unquote(struct span s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return span_of(s.p + 1, s.n - 2);
	return s;
}

/* The parameters of a member that say what the cache did. */
struct member {
	bool hit, forwarded, passed, was_stale, confirmed;
	int64_t ttl_s;
};

static void read_parameter(struct member *p, struct span parameter)
{
	size_t equals = span_find(parameter, '=');
	struct span key = span_first(parameter, equals), value = span_from(parameter, equals + 1);

	if (span_eq(key, SPAN("hit"))) {
		p->hit = !span_eq(value, SPAN("?0"));
	} else if (span_eq(key, SPAN("fwd"))) {
		p->forwarded = true;
		p->passed = span_eq(value, SPAN("bypass")) || span_eq(value, SPAN("method"));
		p->was_stale = span_eq(value, SPAN("stale"));
	} else if (span_eq(key, SPAN("fwd-status"))) {
		p->confirmed = span_eq(value, SPAN("304"));
	} else if (span_eq(key, SPAN("ttl")) && !layer_seconds_parse(value, &p->ttl_s)) {
		p->ttl_s = LAYER_NO_TIME;
	}
}

/* RFC 9211 has either hit or fwd.  Who says both is believed what is less fresh. */
static enum layer_outcome outcome_of_member(const struct member *p)
{
	if (p->hit)
		return p->was_stale ? LAYER_STALE : LAYER_HIT;
	if (!p->forwarded)
		return LAYER_UNKNOWN;
	if (p->confirmed)
		return LAYER_REVALIDATED;
	return p->passed ? LAYER_PASS : LAYER_MISS;
}

static void members(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span element;

	(void)m;
	while (span_list_next(&value, &element)) {
		struct span name = unquote(part_next(&element));
		struct member p = { .ttl_s = LAYER_NO_TIME };

		/* A freshet on the way stores nothing. */
		if (span_ieq(name, SPAN("freshet")))
			continue;
		while (element.n)
			read_parameter(&p, part_next(&element));
		add(out, s, name, outcome_of_member(&p), p.ttl_s, LAYER_NO_TIME);
	}
}

/* ---- words */

static bool belongs_to_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii_digit(c) || c == '_' || c == '-' || c == '/';
}

/* Takes the word at the front off *rest. */
static struct span word_next(struct span *rest)
{
	size_t n = 0;

	while (n < rest->n && belongs_to_word(rest->p[n]))
		n++;
	struct span word = span_first(*rest, n);
	*rest = span_from(*rest, n);
	return word;
}

static enum layer_outcome outcome_of(struct span word, unsigned vocabularies)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((words[i].vocabulary & vocabularies) && words[i].text.n == word.n && span_ieq(word, words[i].text))
			return words[i].outcome;
	return LAYER_UNKNOWN;
}

/* "HIT", "hit,private", "UNCACHEABLE (request policy)": what follows the word are its circumstances. */
static void one_word(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	(void)m;
	if (value.n)
		add_outcome(out, s, s->name, outcome_of(word_next(&value), s->vocabularies));
}

/* The name in "… from name (software)", else the empty span. */
static struct span name_after_from(struct span rest)
{
	struct span name = span_from(rest, sizeof(" from ") - 1);

	return span_istarts(rest, SPAN(" from ")) ? span_first(name, span_find(name, ' ')) : SPAN_NONE;
}

/* "HIT from host", "TCP_MEM_HIT from host (software)", "HIT, MISS", "HIT TCP_MEM_HIT dirn:1:2", "HIT: 3" */
static void word_list(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span element;

	(void)m;
	while (span_list_next(&value, &element)) {
		enum layer_outcome outcome = outcome_of(word_next(&element), s->vocabularies);
		struct span name = name_after_from(element);

		add_outcome(out, s, name.n ? name : s->name, outcome);
	}
}

/* "Hit from child, Miss from parent": the child is nearer to the client. */
static void child_first(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	unsigned from = out->count;
	struct span element;

	(void)m;
	while (span_list_next(&value, &element)) {
		enum layer_outcome outcome = outcome_of(word_next(&element), s->vocabularies);
		bool parent = span_eq(name_after_from(element), SPAN("parent"));

		add_outcome(out, s, parent ? SPAN("akamai-parent") : s->name, outcome);
	}
	reverse(out, from);
}

/* What was found, whole phrases; Squid's "HIT from host:port" is no statement about the answer. */
static void lookup(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	static const struct span hits[] = {
		{ "Cache Hit", 9 }, { "Hit From MemCache", 17 }, { "Hit From Disktank", 17 }, { "Hit From Upstream", 17 },
	};

	(void)m;
	for (size_t i = 0; i < sizeof(hits) / sizeof(hits[0]); i++)
		if (span_ieq(value, hits[i]))
			add_outcome(out, s, s->name, LAYER_HIT);
	if (span_ieq(value, SPAN("Cache Miss")))
		add_outcome(out, s, s->name, LAYER_MISS);
}

/* Akamai's "cdn-cache; desc=HIT, edge; dur=1" */
static void timing(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span member;

	(void)m;
	while (span_list_next(&value, &member)) {
		struct span name = part_next(&member);

		while (span_eq(name, s->name) && member.n) {
			struct span parameter = part_next(&member);
			struct span word = unquote(span_from(parameter, sizeof("desc=") - 1));

			if (span_starts(parameter, SPAN("desc=")))
				add_outcome(out, s, s->name, outcome_of(word, s->vocabularies));
		}
	}
}

/* ---- figures */

bool layer_seconds_parse(struct span s, int64_t *out)
{
	bool negative = s.n && s.p[0] == '-';

	if (!delta_seconds_parse(negative ? span_from(s, 1) : s, out))
		return false;
	if (negative)
		*out = -*out;
	return true;
}

/* Takes what stands before the next blank off *rest. */
static struct span token_next(struct span *rest)
{
	struct span token;

	*rest = span_trim(*rest);
	token = span_first(*rest, span_find(*rest, ' '));
	*rest = span_from(*rest, token.n + 1);
	return token;
}

/* Seconds with or without a fraction; "-" and junk are LAYER_NO_TIME. */
static int64_t whole_seconds(struct span s)
{
	int64_t seconds = LAYER_NO_TIME;

	return layer_seconds_parse(span_first(s, span_find(s, '.')), &seconds) ? seconds : LAYER_NO_TIME;
}

/* Fastly's "(H cache-jfk1026-JFK 41733294.335 864000.000 2273)": hit, server, lifetime left, stale-if-error, age. */
static void debug_ttl(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	(void)m;
	while (value.n) {
		size_t open = value.p[0] == '(', end = span_find(value, ')');
		struct span rest = span_from(span_first(value, end), open);
		struct span status = token_next(&rest), server = token_next(&rest), ttl = token_next(&rest);
		enum layer_outcome outcome = LAYER_UNKNOWN;

		(void)token_next(&rest);
		if (span_eq(status, SPAN("H")))
			outcome = LAYER_HIT;
		else if (span_eq(status, SPAN("M")))
			outcome = LAYER_MISS;
		add(out, s, server.n ? server : s->name, outcome, whole_seconds(ttl), whole_seconds(token_next(&rest)));
		value = span_trim(span_from(value, end + 1));
	}
}

/* "0, 7": how often the copy was used, said beside X-Cache, which tells more; 0 may be a pass or the first hit. */
static void hit_counts(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span element;
	uint64_t n;

	if (message_has(m, HEADER_X_CACHE))
		return;
	while (span_list_next(&value, &element))
		if (span_u64(element, UINT64_MAX, &n) && n)
			add_outcome(out, s, s->name, LAYER_HIT);
}

/* Varnish's "32770 3": the number of this request and, of a hit, that of the request which stored the copy. */
static void ids(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span element;
	uint64_t id;

	(void)m;
	while (span_list_next(&value, &element)) {
		bool known = span_u64(token_next(&element), UINT64_MAX, &id);
		enum layer_outcome outcome = element.n ? LAYER_HIT : LAYER_MISS;

		known = known && (!element.n || span_u64(span_trim(element), UINT64_MAX, &id));
		add_outcome(out, s, s->name, known ? outcome : LAYER_UNKNOWN);
	}
}

/* ---- traces and codes */

/* Whether one of the trace's events is this word. */
static bool trace_has(struct span trace, struct span event)
{
	while (trace.n) {
		struct span word = word_next(&trace);

		if (span_ieq(word, event))
			return true;
		trace = span_from(trace, word.n ? 0 : 1);
	}
	return false;
}

/* Symfony's and Rack::Cache's "stale, valid, store", "GET /path: miss, store; GET /part: fresh", "stale/valid/store" */
static void trace(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span events = value;
	char flat[128];

	(void)m;
	for (size_t i = 0; i + 1 < value.n; i++)
		if (value.p[i] == ':' && value.p[i + 1] == ' ') {
			events = span_from(value, i + 2);
			break;
		}
	events = span_first(events, span_find(events, ';'));
	events = span_first(events, sizeof(flat));
	/* The short form's slashes are part of other vocabularies' words. */
	for (size_t i = 0; i < events.n; i++)
		flat[i] = events.p[i] == '/' ? ' ' : events.p[i];
	events.p = flat;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((words[i].vocabulary & s->vocabularies) && trace_has(events, words[i].text)) {
			add_outcome(out, s, s->name, words[i].outcome);
			return;
		}
	add_outcome(out, s, s->name, LAYER_UNKNOWN);
}

/* Traffic Server's letters for "cache look-up" and "server": fresh, or stale and then not modified or served anew. */
static enum layer_outcome outcome_of_codes(char look_up, char server)
{
	if (look_up == 'H' || look_up == 'R')
		return LAYER_HIT;
	if (look_up == 'M' || look_up == 'A')
		return LAYER_MISS;
	if (look_up == 'S' && server == 'N')
		return LAYER_REVALIDATED;
	if (look_up == 'S' && server == 'S')
		return LAYER_MISS;
	return LAYER_UNKNOWN;
}

/* "http/1.1 host (ApacheTrafficServer/9.2 [cHs f ])", or with all its codes "[uScHs f p eN:t cCHp s ]" */
static void via_codes(struct layers *out, const struct source *s, const struct message *m, struct span value)
{
	struct span member;

	(void)m;
	while (span_list_next(&value, &member)) {
		struct span codes = span_from(member, span_find(member, '[') + 1), rest = member;

		(void)token_next(&rest);
		if (codes.n > 2 && codes.p[0] == 'u')
			codes = span_from(codes, 2);
		if (codes.n >= 4 && codes.p[0] == 'c' && codes.p[2] == 's')
			add_outcome(out, s, token_next(&rest), outcome_of_codes(codes.p[1], codes.p[3]));
	}
}
