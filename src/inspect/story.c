/*
 * A past exchange as JSON.
 */
#include "inspect/story.h"

#include "inspect/head_lines.h"
#include "inspect/notes.h"
#include "inspect/redact.h"

enum { REDACTED_MAX = 3 * TRACE_HEAD_MAX }; /* "***" for a value of one byte */

static const struct span head_names[TRACE_HEADS] = {
	[TRACE_REQUEST_RECEIVED] = { "request_received", 16 },
	[TRACE_REQUEST_SENT] = { "request_sent", 12 },
	[TRACE_RESPONSE_RECEIVED] = { "response_received", 17 },
	[TRACE_RESPONSE_SENT] = { "response_sent", 13 },
};

/* -- facts -- */

/* The media type of the answer, of which the client's copy is the one that was made here or changed. */
static struct span media_type(const struct past *p)
{
	struct span rest = p->trace.heads[TRACE_RESPONSE_SENT], line;

	while (head_next_line(&rest, &line))
		if (header_lookup(line_name(line)) == HEADER_CONTENT_TYPE)
			return span_trim(span_first(line_value(line), span_find(line_value(line), ';')));
	return SPAN_NONE;
}

/* The access log's line, without its end. */
static struct span log_line(const struct record *r, bool with_secrets, char out[ACCESS_LOG_LINE_MAX])
{
	struct record record;

	memcpy(&record, r, offsetof(struct record, url) + r->url_len);
	if (!with_secrets)
		redact_record(&record);
	return span_of(out, access_log_line(ACCESS_LOG_JSON, &record, out) - 1);
}

void story_put_facts(struct json *j, const struct past *p, bool with_secrets)
{
	char text[ACCESS_LOG_LINE_MAX];

	json_text(j, log_line(p->record, with_secrets, text));
}

/* Opens the object. */
static void put_facts(struct json *j, const struct past *p, bool with_secrets)
{
	char id[20];

	json_open(j, '{');
	json_key(j, SPAN("facts"));
	story_put_facts(j, p, with_secrets);
	json_key(j, SPAN("id"));
	json_string(j, span_of(id, span_put_u64(id, p->record->exchange_id)));
	json_key(j, SPAN("type"));
	json_string(j, span_first(media_type(p), 100));
	json_key(j, SPAN("ended_us"));
	json_u64(j, (uint64_t)(p->record->started_us + p->record->total_us));
}

size_t story_row(const struct past *p, char out[STORY_ROW_MAX])
{
	struct json j = json_of(out, STORY_ROW_MAX);

	put_facts(&j, p, false);
	json_close(&j, '}');
	return j.line.n;
}

/* -- heads -- */

static void put_start(struct json *j, struct span line, bool with_secrets)
{
	char text[REDACTED_MAX];
	struct line l = line_of(text, sizeof(text));

	if (with_secrets)
		line_put(&l, line);
	else
		redact_url(&l, line);
	json_string(j, span_of(text, l.n));
}

static void put_field(struct json *j, struct span line, bool with_secrets)
{
	char text[REDACTED_MAX];
	struct line l = line_of(text, sizeof(text));

	if (with_secrets)
		line_put(&l, line_value(line));
	else
		redact_value(&l, line_name(line), line_value(line));
	json_open(j, '[');
	json_string(j, line_name(line));
	json_string(j, span_of(text, l.n));
	json_close(j, ']');
}

void story_put_head(struct json *j, struct span head, bool with_secrets)
{
	struct span rest = head, line;

	json_open(j, '{');
	json_key(j, SPAN("cut"));
	json_bool(j, head.n >= TRACE_HEAD_MAX);
	json_key(j, SPAN("start"));
	if (head_next_line(&rest, &line))
		put_start(j, line, with_secrets);
	else
		json_string(j, SPAN_NONE);
	json_key(j, SPAN("fields"));
	json_open(j, '[');
	while (head_next_line(&rest, &line))
		put_field(j, line, with_secrets);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_heads(struct json *j, const struct trace *t, bool with_secrets)
{
	json_key(j, SPAN("heads"));
	json_open(j, '{');
	for (int i = 0; i < TRACE_HEADS; i++) {
		if (!t->heads[i].n)
			continue;
		json_key(j, head_names[i]);
		story_put_head(j, t->heads[i], with_secrets);
	}
	json_close(j, '}');
}

/* -- edits -- */

static struct span op_name(unsigned op)
{
	static const struct span names[] = {
		[EDIT_SET] = { "set", 3 }, [EDIT_ADD] = { "add", 3 }, [EDIT_REMOVE] = { "remove", 6 },
		[TRACE_DROPPED] = { "drop", 4 },
	};

	return names[op];
}

static void put_edit_list(struct json *j, const struct trace_edits *edits)
{
	json_open(j, '[');
	for (unsigned i = 0; i < edits->count; i++) {
		const struct trace_edit *e = &edits->items[i];

		json_open(j, '{');
		json_key(j, SPAN("op"));
		json_string(j, op_name(e->op));
		json_key(j, SPAN("field"));
		json_string(j, header_name((enum header)e->id));
		if (e->op == TRACE_DROPPED) {
			json_key(j, SPAN("line"));
			json_u64(j, e->line);
		}
		json_key(j, SPAN("why"));
		json_string(j, span_str(e->why));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void story_put_edits(struct json *j, const struct trace *t)
{
	json_open(j, '{');
	json_key(j, SPAN("request"));
	put_edit_list(j, &t->request);
	json_key(j, SPAN("response"));
	put_edit_list(j, &t->response);
	json_close(j, '}');
}

/* -- what RFC 9111 says -- */

enum { FIELDS_MAX = 256 }; /* beyond them nothing of interest is expected */

static bool has_field(struct span head, enum header id)
{
	struct span line;

	while (head_next_line(&head, &line))
		if (header_lookup(line_name(line)) == id)
			return true;
	return false;
}

/* The response as it came, once more as a message; `fields` has FIELDS_MAX. */
static bool read_response(const struct past *p, struct field *fields, struct message *m)
{
	struct span rest = p->trace.heads[TRACE_RESPONSE_RECEIVED], line;

	message_init(m, fields, FIELDS_MAX);
	if (!head_next_line(&rest, &line))
		return false;
	m->status = p->record->status;
	while (head_next_line(&rest, &line) && message_receive(m, line_name(line), line_value(line)))
		;
	return true;
}

static void put_keeping(struct json *j, const struct keeping *k)
{
	json_open(j, '{');
	json_key(j, SPAN("storing"));
	json_string(j, span_str(storing_name(k->storing)));
	json_key(j, SPAN("may_store"));
	json_bool(j, storing_is_allowed(k->storing));
	json_key(j, SPAN("asks_always"));
	json_bool(j, k->asks_always);
	json_key(j, SPAN("age_s"));
	json_u64(j, (uint64_t)k->fresh.age_s);
	json_key(j, SPAN("lifetime_s"));
	json_u64(j, (uint64_t)k->fresh.lifetime_s);
	json_key(j, SPAN("source"));
	json_string(j, span_str(lifetime_source_name(k->fresh.source)));
	json_close(j, '}');
}

static void put_note(struct json *j, const struct note *n)
{
	char text[1024];
	struct line l = line_of(text, sizeof(text));

	note_write(&l, n);
	json_open(j, '{');
	json_key(j, SPAN("level"));
	json_string(j, span_str(note_level_name(note_level(n->id))));
	json_key(j, SPAN("field"));
	json_string(j, span_str(note_field(n->id)));
	json_key(j, SPAN("where"));
	json_string(j, span_str(note_where(n->id)));
	json_key(j, SPAN("text"));
	json_string(j, span_of(text, l.n));
	json_close(j, '}');
}

static void put_caching(struct json *j, const struct past *p)
{
	const struct caching_circumstances circumstances = {
		.authorized = has_field(p->trace.heads[TRACE_REQUEST_RECEIVED], HEADER_AUTHORIZATION),
		.request_time_s = p->record->started_us / 1000000,
		.response_time_s = (p->record->started_us + p->record->total_us) / 1000000,
	};
	struct field fields[FIELDS_MAX];
	struct caching caching;
	struct message m;
	struct notes notes;

	if (!read_response(p, fields, &m))
		return;
	caching_read(&m, &circumstances, &caching);
	notes_take(&caching, &notes);
	json_key(j, SPAN("browser"));
	put_keeping(j, &caching.browser);
	json_key(j, SPAN("shared"));
	put_keeping(j, &caching.shared);
	json_key(j, SPAN("notes"));
	json_open(j, '[');
	for (unsigned i = 0; i < notes.count; i++)
		put_note(j, &notes.items[i]);
	json_close(j, ']');
}

static void put_trace(struct json *j, const struct trace *t, bool with_secrets)
{
	put_heads(j, t, with_secrets);
	json_key(j, SPAN("edits"));
	story_put_edits(j, t);
}

size_t story_write(const struct past *p, bool with_secrets, char out[STORY_MAX])
{
	struct json j = json_of(out, STORY_MAX);

	put_facts(&j, p, with_secrets);
	json_key(&j, SPAN("secrets"));
	json_bool(&j, with_secrets);
	put_trace(&j, &p->trace, with_secrets);
	put_caching(&j, p);
	json_close(&j, '}');
	return j.line.n;
}

size_t story_line(const struct past *p, bool with_secrets, char out[STORY_MAX])
{
	char text[ACCESS_LOG_LINE_MAX];
	struct span facts = log_line(p->record, with_secrets, text);
	struct json j = json_of(out, STORY_MAX);

	json_text(&j, span_first(facts, facts.n - 1)); /* its object stays open */
	put_trace(&j, &p->trace, with_secrets);
	json_close(&j, '}');
	line_put_char(&j.line, '\n');
	return j.line.n;
}
