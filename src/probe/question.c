/*
 * The questions of a probe as requests.
 */
#include "probe/question.h"

#include "policy/pierce.h"
#include "policy/signature.h"
#include "policy/unpierce.h"

/* -- the subject -- */

static bool is_written_well(struct span url)
{
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= 0x20 || (unsigned char)url.p[i] >= 0x7f)
			return false;
	return true;
}

/* Path and query with their slash. */
static struct span whole_path(const struct target *t, struct arena *arena)
{
	if (!t->path_needs_slash)
		return t->path;
	char *text = arena_alloc(arena, t->path.n + 1);
	if (!text)
		return SPAN_NONE;
	text[0] = '/';
	memcpy(text + 1, t->path.p, t->path.n);
	return span_of(text, t->path.n + 1);
}

bool probe_subject_read(struct probe_subject *s, struct span url, const struct config *config, struct arena *arena,
	const char **why)
{
	*s = (struct probe_subject){
		.url = span_first(url, span_find(url, '#')), .parameter = span_str(config->pierce_parameter)
	};
	if (!is_written_well(s->url)) {
		*why = "blanks, control characters and letters beyond ASCII have to be percent-encoded";
		return false;
	}
	if (!target_parse(s->url, false, &s->target, why))
		return false;
	if (s->target.form != TARGET_ABSOLUTE) {
		*why = "it has to begin with http:// or https://";
		return false;
	}
	s->path = whole_path(&s->target, arena);
	*why = "memory is out";
	return s->path.n != 0;
}

/* -- fields -- */

/* Who asks, and for whom: nothing to be told to a site that the first one names. */
static bool is_confidential(struct span name)
{
	return span_ieq(name, SPAN("authorization")) || span_ieq(name, SPAN("cookie")) || span_ieq(name, SPAN("host"));
}

static bool is_asked_with(const struct probe_subject *s, struct span name)
{
	return !s->is_elsewhere || !is_confidential(name);
}

static bool is_replaced(const struct probe_subject *s, struct span name)
{
	for (size_t i = 0; i < s->field_count; i++)
		if (span_ieq(s->fields[i].name, name) && is_asked_with(s, name))
			return true;
	return false;
}

/* There is room for all that is added here: PROBE_QUESTION_FIELDS_MAX. */
static bool add(struct probe_question *q, struct span name, struct span value)
{
	return message_receive(&q->message, name, value);
}

static bool add_ours(struct probe_question *q, const struct probe_subject *s, struct span name, struct span value)
{
	return is_replaced(s, name) || add(q, name, value);
}

static enum rung rung_of(enum probe_ask ask)
{
	if (ask == PROBE_CHANGED || ask == PROBE_CHANGED_AGAIN)
		return RUNG_QUERY;
	if (ask == PROBE_PATH || ask == PROBE_PATH_AGAIN)
		return RUNG_PATH;
	return RUNG_ORIGINAL;
}

/*
 * The plain answer may have been stored for somebody who takes no compression: what is asked for under changed addresses
 * comes in the same coding, if the origin knows it.  The plain address is asked as before, since caches may choose by this.
 */
static struct span codings(enum probe_ask ask, const struct sight *plain)
{
	if (rung_of(ask) == RUNG_ORIGINAL || span_find(plain->coding, ',') < plain->coding.n)
		return SPAN("gzip, deflate, br");
	return plain->coding.n ? plain->coding : SPAN("identity");
}

/* What a browser sends for a page, as far as caches and origins look at it. */
static bool add_plain(struct probe_question *q, const struct probe_subject *s, struct span accepted)
{
	bool ok = add_ours(q, s, SPAN("Host"), s->target.authority) &&
		  add_ours(q, s, SPAN("User-Agent"), SPAN("Mozilla/5.0 (compatible; freshet/" FRESHET_VERSION ")")) &&
		  add_ours(q, s, SPAN("Accept"), SPAN("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")) &&
		  add_ours(q, s, SPAN("Accept-Language"), SPAN("en")) &&
		  add_ours(q, s, SPAN("Accept-Encoding"), accepted);

	for (size_t i = 0; ok && i < s->field_count; i++)
		if (s->fields[i].value.n && is_asked_with(s, s->fields[i].name))
			ok = add(q, s->fields[i].name, s->fields[i].value);
	return ok;
}

static bool add_triple(struct probe_question *q)
{
	return add(q, SPAN("Cache-Control"), SPAN("no-cache, no-store, must-revalidate")) &&
	       add(q, SPAN("Pragma"), SPAN("no-cache")) && add(q, SPAN("Expires"), SPAN("0"));
}

static bool add_special(struct probe_question *q, enum probe_ask ask, const struct sight *plain)
{
	switch (ask) {
	case PROBE_TRIPLE:
		return add_triple(q);
	case PROBE_IF_NONE_MATCH:
		return add(q, SPAN("If-None-Match"), plain->etag);
	case PROBE_IF_MODIFIED_SINCE:
		return add(q, SPAN("If-Modified-Since"), plain->last_modified);
	case PROBE_PLAIN:
	case PROBE_PLAIN_AGAIN:
	case PROBE_CHANGED:
	case PROBE_CHANGED_AGAIN:
	case PROBE_PATH:
	case PROBE_PATH_AGAIN:
	case PROBE_ASKS:
		break;
	}
	return true;
}

/* -- the address -- */

static bool start(struct probe_question *q, const struct probe_subject *s, struct span accepted)
{
	message_init(&q->message, q->fields, PROBE_QUESTION_FIELDS_MAX);
	q->message.method = SPAN("GET");
	q->message.method_id = METHOD_GET;
	q->message.target = q->path = s->path;
	q->message.minor = 1;
	return add_plain(q, s, accepted);
}

bool probe_question_make(struct probe_question *q, const struct probe_subject *s, enum probe_ask ask, uint64_t token,
	const struct sight *plain, struct arena *arena)
{
	if (!start(q, s, codings(ask, plain)) || !add_special(q, ask, plain))
		return false;
	q->path = pierce_path(s->path, rung_of(ask), s->parameter, token, arena);
	return q->path.n != 0;
}

void probe_question_allows(const struct probe_subject *s, struct probe *out)
{
	struct probe_question q;
	struct pierce_facts facts = { .request = &q.message, .path = s->path };

	if (!start(&q, s, codings(PROBE_PLAIN, NULL)) || signature_forbids_url(&q.message))
		return;
	unsigned alone = pierce_rungs(&facts);
	facts.original_known = true;
	unsigned beside = pierce_rungs(&facts);
	out->has_query = (beside & RUNG_BIT(RUNG_QUERY)) != 0;
	out->has_path = (beside & RUNG_BIT(RUNG_PATH)) != 0;
	out->names_file = (alone & RUNG_BIT(RUNG_PATH)) != 0;
}

struct span probe_question_unchanged(const struct probe_question *q, const struct probe_subject *s, struct span location,
	struct arena *arena)
{
	struct unpierce changes = { .parameter = s->parameter, .sent = q->path, .original = s->path };

	return span_eq(q->path, s->path) ? location : unpierce(&changes, location, arena);
}
