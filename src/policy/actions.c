/*
 * The rewriting actions: DESIGN's tables of fields, one function for each row or group of rows.
 *
 * Each appends edits to the message; none looks at bodies, and none knows which wire format will carry it.
 */
#include "policy/actions.h"

#include "http/date.h"
#include "policy/dictionary.h"
#include "policy/history.h"
#include "policy/purge.h"
#include "policy/service_worker.h"

enum {
	IN_BUST = 1,
	IN_REVALIDATE = 2,
	IN_BOTH = IN_BUST | IN_REVALIDATE,
	IN_OBSERVE = 4,
	IN_ALL = IN_BOTH | IN_OBSERVE,
	FOR_SAFE = 8,
	FOR_OTHERS = 16,
	FOR_ALL = FOR_SAFE | FOR_OTHERS,
};

struct action {
	unsigned when; /* of the bits above: modes, methods */
	void (*apply)(struct action_run *run, const char *why);
	const char *why;
};

#define REQUEST_ACTION(name, modes, methods, text) static void name(struct action_run *run, const char *why);
#define RESPONSE_ACTION REQUEST_ACTION
#include "policy/actions.def"
#undef REQUEST_ACTION
#undef RESPONSE_ACTION

#define ROW(name, modes, methods, text) { (modes) | (methods), name, text },
#define NO_ROW(name, modes, methods, text)

static const struct action request_actions[] = {
#define REQUEST_ACTION ROW
#define RESPONSE_ACTION NO_ROW
#include "policy/actions.def"
#undef REQUEST_ACTION
#undef RESPONSE_ACTION
};

static const struct action response_actions[] = {
#define REQUEST_ACTION NO_ROW
#define RESPONSE_ACTION ROW
#include "policy/actions.def"
#undef REQUEST_ACTION
#undef RESPONSE_ACTION
};

static unsigned mode_bit(enum mode mode)
{
	switch (mode) {
	case MODE_OFF:
		break;
	case MODE_OBSERVE:
		return IN_OBSERVE;
	case MODE_REVALIDATE:
		return IN_REVALIDATE;
	case MODE_BUST:
		return IN_BUST;
	}
	return 0;
}

static void apply_all(struct action_run *run, const struct action *actions, size_t count)
{
	unsigned key = mode_bit(run->state->mode);

	key |= method_is_bustable(run->request->method_id) ? FOR_SAFE : FOR_OTHERS;
	for (size_t i = 0; i < count; i++)
		if ((actions[i].when & key) == key)
			actions[i].apply(run, actions[i].why);
}

void actions_edit_request(struct action_run *run)
{
	apply_all(run, request_actions, sizeof(request_actions) / sizeof(request_actions[0]));
}

void actions_edit_response(struct action_run *run)
{
	apply_all(run, response_actions, sizeof(response_actions) / sizeof(response_actions[0]));
}

/* ---- edits that respect signatures */

/* Request signatures say nothing about the response. */
static bool is_signed(const struct action_run *run, enum header id)
{
	return run->message == run->request && policy_is_signed(run->state, id);
}

static void leave_signed(struct action_run *run)
{
	run->state->not_busted = "a signed field was left as it was";
}

/* Whether the field is there once, with that value: then there is nothing to leave undone. */
static bool says_exactly(const struct message *m, enum header id, struct span value)
{
	return message_has(m, id) && !message_repeats(m, id) && span_eq(message_value(m, id), value);
}

static void set(struct action_run *run, enum header id, struct span value, const char *why)
{
	if (!is_signed(run, id))
		message_set(run->message, id, value, why);
	else if (!says_exactly(run->message, id, value))
		leave_signed(run);
}

static void drop(struct action_run *run, enum header id, const char *why)
{
	if (!message_has(run->message, id))
		return;
	if (is_signed(run, id))
		leave_signed(run);
	else
		message_remove(run->message, id, why);
}

/* ---- the three fields that every cache knows */

static void set_three(struct action_run *run, struct span cache_control, const char *why)
{
	set(run, HEADER_CACHE_CONTROL, cache_control, why);
	set(run, HEADER_PRAGMA, SPAN("no-cache"), why);
	set(run, HEADER_EXPIRES, SPAN("0"), why);
}

/* ---- requests */

static void ask_the_origin(struct action_run *run, const char *why)
{
	/* no-store would forbid the caches on the way to replace their old copy by the fresh answer. */
	bool heal = run->state->settings->heal;

	set_three(run, heal ? SPAN("no-cache") : SPAN("no-cache, no-store, must-revalidate"), why);
}

static void ask_for_validation(struct action_run *run, const char *why)
{
	set(run, HEADER_CACHE_CONTROL, SPAN("no-cache"), why);
	set(run, HEADER_PRAGMA, SPAN("no-cache"), why);
}

/* If-Match and If-Unmodified-Since stay: they guard against lost updates and pin resumed downloads. */
static void drop_conditions(struct action_run *run, const char *why)
{
	drop(run, HEADER_IF_NONE_MATCH, why);
	drop(run, HEADER_IF_MODIFIED_SINCE, why);
	run->state->modified_since_removed = message_edit(run->message, HEADER_IF_MODIFIED_SINCE) != NULL;
}

/*
 * A pair: without its If-Range, a Range would fetch the rest of a file whose beginning may be of an older version.
 * A Range alone is the client's own risk, and an If-Range alone means nothing (RFC 9110 section 13.1.5).
 */
static void drop_range_pair(struct action_run *run, const char *why)
{
	if (!message_has(run->message, HEADER_IF_RANGE))
		return;
	if (is_signed(run, HEADER_IF_RANGE) || is_signed(run, HEADER_RANGE)) {
		leave_signed(run);
		return;
	}
	drop(run, HEADER_IF_RANGE, why);
	drop(run, HEADER_RANGE, why);
}

static void drop_dictionary_codings(struct action_run *run, const char *why)
{
	if (!dictionary_codings_named(run->message))
		return;
	if (is_signed(run, HEADER_ACCEPT_ENCODING)) {
		leave_signed(run);
		return;
	}
	struct span rest = dictionary_other_codings(run->message, run->arena);
	if (rest.n)
		set(run, HEADER_ACCEPT_ENCODING, rest, why);
	else
		drop(run, HEADER_ACCEPT_ENCODING, why);
}

static void drop_dictionaries(struct action_run *run, const char *why)
{
	drop(run, HEADER_AVAILABLE_DICTIONARY, why);
	drop(run, HEADER_DICTIONARY_ID, why);
	drop_dictionary_codings(run, why);
}

static void hide_history_cookie(struct action_run *run, const char *why)
{
	if (!run->state->settings->evict_history || !history_has_cookie(run->message))
		return;
	struct span others = history_other_cookies(run->message, run->arena);
	if (others.n)
		set(run, HEADER_COOKIE, others, why);
	else
		drop(run, HEADER_COOKIE, why);
}

static void ask_for_plain_script(struct action_run *run, const char *why)
{
	if (run->state->service_worker == SERVICE_WORKERS_WRAP)
		set(run, HEADER_ACCEPT_ENCODING, SPAN("identity"), why);
}

/*
 * Akamai is asked in Pragma: behind the no-cache of the modes that write it, on a line of its own where the client's
 * Pragma is left alone.  A client's Fastly-Debug stays: a site may know it by a value of its own.  Without asking,
 * nothing is left undone that the mode promises, so a signed field is passed over without a note.
 */
#define AKAMAI_WORDS "akamai-x-cache-on, akamai-x-cache-remote-on, akamai-x-check-cacheable, akamai-x-get-cache-key"

static void ask_delivery_networks(struct action_run *run, const char *why)
{
	struct message *m = run->message;

	if (!run->state->settings->ask_networks)
		return;
	if (!is_signed(run, HEADER_FASTLY_DEBUG) && !message_has(m, HEADER_FASTLY_DEBUG))
		message_set(m, HEADER_FASTLY_DEBUG, SPAN("1"), why);
	if (is_signed(run, HEADER_PRAGMA))
		return;
	if (run->state->mode == MODE_OBSERVE)
		message_add(m, HEADER_PRAGMA, SPAN(AKAMAI_WORDS), why);
	else
		message_set(m, HEADER_PRAGMA, SPAN("no-cache, " AKAMAI_WORDS), why);
}

/* ---- responses */

/* The same script in other bytes is what a weak entity tag stands for (RFC 9110 section 8.8.1). */
static void weaken_entity_tag(struct action_run *run, const char *why)
{
	struct span tag = message_value(run->message, HEADER_ETAG);
	char *weak;

	if (!tag.n || span_starts(tag, SPAN("W/")))
		return;
	weak = arena_alloc(run->arena, tag.n + 2);
	if (!weak) {
		drop(run, HEADER_ETAG, why);
		return;
	}
	memcpy(weak, "W/", 2);
	memcpy(weak + 2, tag.p, tag.n);
	set(run, HEADER_ETAG, span_of(weak, tag.n + 2), why);
}

/* Decides whether; the text itself and the length are the relay's. */
static void wrap_script(struct action_run *run, const char *why)
{
	struct policy_state *state = run->state;
	const char *unfit;

	if (state->service_worker != SERVICE_WORKERS_WRAP)
		return;
	unfit = service_worker_unfit(run->request, run->message);
	state->wraps = !unfit;
	state->service_worker_note = unfit ? unfit : "wrapped";
	if (unfit)
		return;
	weaken_entity_tag(run, why);
	drop(run, HEADER_CONTENT_DIGEST, why);
	drop(run, HEADER_REPR_DIGEST, why);
	drop(run, HEADER_DIGEST, why);
	drop(run, HEADER_CONTENT_MD5, why);
}

static void forbid_storing(struct action_run *run, const char *why)
{
	set_three(run, SPAN("no-cache, no-store, must-revalidate"), why);
}

/* Without no-store: a browser that goes Back to a form's result would otherwise want to post again. */
static void forbid_reuse(struct action_run *run, const char *why)
{
	set_three(run, SPAN("no-cache, must-revalidate"), why);
}

static void demand_validation(struct action_run *run, const char *why)
{
	set_three(run, SPAN("no-cache"), why);
}

static void drop_age(struct action_run *run, const char *why)
{
	drop(run, HEADER_AGE, why);
	drop(run, HEADER_WARNING, why);
}

static void drop_targeted(struct action_run *run, const char *why)
{
	drop(run, HEADER_TARGETED_CACHE_CONTROL, why);
	drop(run, HEADER_SURROGATE_CONTROL, why);
	drop(run, HEADER_EDGE_CONTROL, why);
	drop(run, HEADER_X_ACCEL_EXPIRES, why);
}

static void drop_reuse_hints(struct action_run *run, const char *why)
{
	drop(run, HEADER_USE_AS_DICTIONARY, why);
	drop(run, HEADER_NO_VARY_SEARCH, why);
	drop(run, HEADER_CACHE_GROUPS, why);
}

static void drop_alternatives(struct action_run *run, const char *why)
{
	drop(run, HEADER_ALT_SVC, why);
}

/* An answer to a preflight that says nothing is remembered too: for 5 seconds (Fetch, "CORS-preflight fetch"). */
static void forget_preflight(struct action_run *run, const char *why)
{
	bool preflight = run->request->method_id == METHOD_OPTIONS &&
			 message_has(run->request, HEADER_ACCESS_CONTROL_REQUEST_METHOD);

	if (preflight || message_has(run->message, HEADER_ACCESS_CONTROL_MAX_AGE))
		set(run, HEADER_ACCESS_CONTROL_MAX_AGE, SPAN("0"), why);
}

/* The response's own Date, or now when it has none that can be read; empty when there is no room. */
static struct span date_in_arena(const struct action_run *run)
{
	struct span date = message_value(run->message, HEADER_DATE);
	int64_t ignored_s;

	if (http_date_parse(date, run->now_s, &ignored_s))
		return arena_copy(run->arena, date);
	char *out = arena_alloc(run->arena, HTTP_DATE_BYTES);
	return out ? span_of(out, http_date_format(run->now_s, out)) : SPAN_NONE;
}

/*
 * wget -N, curl -z and caches of HTTP/1.0 compare Last-Modified with the date they had asked about, and throw the
 * answer away when it is not later: also that of an origin whose Last-Modified is stuck.
 */
static void renew_last_modified(struct action_run *run, const char *why)
{
	if (!run->state->modified_since_removed || !message_has(run->message, HEADER_LAST_MODIFIED))
		return;
	struct span date = date_in_arena(run);
	if (date.n)
		set(run, HEADER_LAST_MODIFIED, date, why);
	else
		drop(run, HEADER_LAST_MODIFIED, why);
}

static void strip_validators(struct action_run *run, const char *why)
{
	if (!run->state->settings->strip_validators)
		return;
	drop(run, HEADER_ETAG, why);
	drop(run, HEADER_LAST_MODIFIED, why);
}

/* 301 and 308 may be stored for ever, and some clients do so whatever Cache-Control says. */
static void make_redirect_temporary(struct action_run *run, const char *why)
{
	struct message *m = run->message;

	(void)why; /* the status is not a field */
	if (!run->state->settings->temporary_redirects)
		return;
	if (m->status == 301) {
		m->status = 302;
		m->reason = SPAN("Found");
	} else if (m->status == 308) {
		m->status = 307;
		m->reason = SPAN("Temporary Redirect");
	}
}

/* A list: the origin's own lines stay, and the browser takes all of them together. */
static void purge_client(struct action_run *run, const char *why)
{
	if (run->state->first_contact && !purge_is_ordered(run->message))
		message_add(run->message, HEADER_CLEAR_SITE_DATA, SPAN("\"cache\""), why);
}

static void set_history_cookie(struct action_run *run, const char *why)
{
	if (!run->state->settings->evict_history || !history_wants_cookie(run->request))
		return;
	struct span cookie = history_cookie(run->request, run->state->stamp, run->arena);
	if (cookie.n)
		message_add(run->message, HEADER_SET_COOKIE, cookie, why);
}

static size_t put_text(char *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out, text, n);
	return n;
}

/* What kept this from being an ordinary bypass: how the request was written, who answered nevertheless. */
static size_t put_detail(const struct policy_state *s, bool cached, char *out)
{
	const char *rung = rung_name(s->rung);
	size_t n = 0;

	if (rung) {
		n += put_text(out, "pierced=");
		n += put_text(out + n, rung);
	}
	if (cached) {
		n += put_text(out + n, n ? ", " : "");
		n += verdict_format(s->verdict, out + n);
	}
	if (s->unpierced)
		n += put_text(out + n, n ? ", could-not-be-pierced" : "could-not-be-pierced");
	return n;
}

/* With more than the fields in its detail where there is more; else, or without room, a constant. */
static struct span bypass_member(const struct action_run *run)
{
	const struct policy_state *s = run->state;
	const struct verdict *v = s->verdict;
	struct span begin = SPAN("freshet; fwd=bypass; detail=\"");
	bool cached = v && (v->kind == VERDICT_FROM_CACHE || v->kind == VERDICT_STALE);
	char *out = NULL;

	if (cached || s->rung || s->unpierced)
		out = arena_alloc(run->arena, begin.n + VERDICT_TEXT_MAX + 64);
	if (!out)
		return SPAN("freshet; fwd=bypass; detail=fields");
	memcpy(out, begin.p, begin.n);
	/* No quoting: verdicts hold neither quotes nor backslashes. */
	size_t n = begin.n + put_detail(s, cached, out + begin.n);
	out[n] = '"';
	return span_of(out, n + 1);
}

/* Members are added after those received: the list runs from the origin to the client (RFC 9211 section 2). */
static void report_bypass(struct action_run *run, const char *why)
{
	message_add(run->message, HEADER_CACHE_STATUS, bypass_member(run), why);
}
