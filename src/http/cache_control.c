/*
 * Cache-Control directives to facts, driven by cache_control.def.
 */
#include "http/cache_control.h"

enum keep { SMALLER, LARGER };

struct flag_directive {
	struct span name;
	uint32_t plain, with_fields; /* the flag without and with a list of fields */
};

struct seconds_directive {
	struct span name;
	size_t offset; /* of the member in struct cache_control */
	enum keep keep;
	int64_t bare_s, invalid_s;
};

#define NAME(literal) { literal, sizeof(literal) - 1 }

static const struct flag_directive flag_directives[] = {
#define FLAG(name, directive) { NAME(directive), CC_##name, CC_##name },
#define FLAG_OR_FIELDS(name, directive) { NAME(directive), CC_##name, CC_##name##_FIELDS },
#define SECONDS(member, directive, keep, bare, invalid)
#include "http/cache_control.def"
#undef FLAG
#undef FLAG_OR_FIELDS
#undef SECONDS
};

static const struct seconds_directive seconds_directives[] = {
#define FLAG(name, directive)
#define FLAG_OR_FIELDS(name, directive)
#define SECONDS(member, directive, keep, bare, invalid) \
	{ NAME(directive), offsetof(struct cache_control, member), keep, bare, invalid },
#include "http/cache_control.def"
#undef FLAG
#undef FLAG_OR_FIELDS
#undef SECONDS
};

enum {
	FLAG_COUNT = sizeof(flag_directives) / sizeof(flag_directives[0]),
	SECONDS_COUNT = sizeof(seconds_directives) / sizeof(seconds_directives[0]),
	ABSENT = -1,
};

void cache_control_init(struct cache_control *cc)
{
	*cc = (struct cache_control){
		.max_age_s = ABSENT,
		.s_maxage_s = ABSENT,
		.stale_while_revalidate_s = ABSENT,
		.stale_if_error_s = ABSENT,
		.max_stale_s = ABSENT,
		.min_fresh_s = ABSENT,
	};
}

bool delta_seconds_parse(struct span s, int64_t *out)
{
	uint64_t n = (uint64_t)DELTA_SECONDS_MAX;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_digit(s.p[i]))
			return false;
	if (!span_u64(s, (uint64_t)DELTA_SECONDS_MAX, &n))
		n = (uint64_t)DELTA_SECONDS_MAX;
	*out = (int64_t)n;
	return true;
}

/* Without the quotes, where there are two: numbers may come quoted (RFC 9111 section 5.2). */
static struct span unquote(struct span s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return span_of(s.p + 1, s.n - 2);
	return s;
}

static void add_flag(struct cache_control *cc, const struct flag_directive *d, struct span argument)
{
	cc->flags |= span_trim(unquote(argument)).n ? d->with_fields : d->plain;
}

/* Of two values that a directive was given, the one that counts. */
static inline int64_t kept(enum keep keep, int64_t held, int64_t value)
{
	if (held == ABSENT || value == ABSENT)
		return held == ABSENT ? value : held;
	return (keep == SMALLER) == (value < held) ? value : held;
}

static void add_seconds(struct cache_control *cc, const struct seconds_directive *d, bool bare,
			struct span argument)
{
	int64_t value = bare ? d->bare_s : d->invalid_s, held;
	char *member = (char *)cc + d->offset;

	if (!bare && !delta_seconds_parse(unquote(argument), &value))
		value = d->invalid_s;
	memcpy(&held, member, sizeof(held));
	value = kept(d->keep, held, value);
	memcpy(member, &value, sizeof(value));
}

static void add_directive(struct cache_control *cc, struct span directive)
{
	size_t equals = span_find(directive, '=');
	struct span name = span_first(directive, equals), argument = span_from(directive, equals + 1);

	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (span_ieq(name, flag_directives[i].name)) {
			add_flag(cc, &flag_directives[i], argument);
			return;
		}
	for (size_t i = 0; i < SECONDS_COUNT; i++)
		if (span_ieq(name, seconds_directives[i].name)) {
			add_seconds(cc, &seconds_directives[i], equals == directive.n, argument);
			return;
		}
}

static void read_line(struct cache_control *cc, struct span line)
{
	struct span directive;

	cache_control_init(cc);
	while (span_list_next(&line, &directive))
		add_directive(cc, directive);
}

/* What two lines say together. */
static void combine(struct cache_control *cc, const struct cache_control *line)
{
	cc->flags |= line->flags;
#define FLAG(name, directive)
#define FLAG_OR_FIELDS(name, directive)
#define SECONDS(member, directive, keep, bare, invalid) cc->member = kept(keep, cc->member, line->member);
#include "http/cache_control.def"
#undef FLAG
#undef FLAG_OR_FIELDS
#undef SECONDS
}

/* A line that was read before.  Servers send few different ones, and many times. */
struct line_before {
	uint8_t len; /* 0: none */
	char text[63];
	struct cache_control says;
};

enum { LINES_BEFORE = 8 };

/* By the length and the last digit: "max-age=60" and "max-age=3600" differ in both. */
static unsigned place_of(struct span line)
{
	return (unsigned)(line.n + (unsigned char)line.p[line.n - 1]) % LINES_BEFORE;
}

void cache_control_add(struct cache_control *cc, struct span field_value)
{
	static _Thread_local struct line_before lines_before[LINES_BEFORE];
	struct cache_control says;

	if (!field_value.n || field_value.n > sizeof(lines_before->text)) {
		read_line(&says, field_value);
		combine(cc, &says);
		return;
	}
	struct line_before *l = &lines_before[place_of(field_value)];
	if (l->len != field_value.n || memcmp(l->text, field_value.p, field_value.n) != 0) {
		read_line(&l->says, field_value);
		memcpy(l->text, field_value.p, field_value.n);
		l->len = (uint8_t)field_value.n;
	}
	combine(cc, &l->says);
}
