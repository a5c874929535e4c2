/*
 * Rules and their evaluation: which settings apply to a request, and running the actions they ask for.
 *
 * The actions themselves are actions.c, the rules' patterns pattern.c.
 */
#include "policy/policy.h"

#include <stdlib.h>

#include "policy/actions.h"
#include "policy/pattern.h"
#include "policy/service_worker.h"
#include "policy/signature.h"

enum {
	FIRST_BYTES = 2048,                 /* a few rules in the policy's own allocation */
	LIMIT_BYTES = 64 * 1024 * 1024,
};

/* In the policy's arena, like everything it points to. */
struct rule {
	struct rule *next;
	struct pattern pattern;
	const struct span *methods;    /* any, when method_count is 0 */
	size_t method_count;
	const struct network *clients; /* any, when client_count is 0 */
	size_t client_count;
	struct policy_settings settings;
};

struct policy {
	struct policy_settings defaults;
	struct rule *rules, **end; /* in order; end is where the next one is hung */
	struct arena arena;        /* owned: all rules */
	char first[FIRST_BYTES];
};

struct policy *policy_new(const struct policy_settings *defaults)
{
	struct policy *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->defaults = *defaults;
	p->rules = NULL;
	p->end = &p->rules;
	arena_init(&p->arena, p->first, sizeof(p->first), LIMIT_BYTES);
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	arena_reset(&p->arena, 0);
	free(p);
}

static bool copy_methods(struct rule *r, const struct policy_site *site, struct arena *a)
{
	struct span *methods = arena_alloc(a, site->method_count * sizeof(*methods));

	if (!methods)
		return false;
	for (size_t i = 0; i < site->method_count; i++) {
		methods[i] = arena_copy(a, site->methods[i]);
		if (methods[i].n != site->methods[i].n)
			return false;
	}
	r->methods = methods;
	r->method_count = site->method_count;
	return true;
}

static bool copy_clients(struct rule *r, const struct policy_site *site, struct arena *a)
{
	struct network *clients = arena_alloc(a, site->client_count * sizeof(*clients));

	if (!clients)
		return false;
	for (size_t i = 0; i < site->client_count; i++)
		clients[i] = site->clients[i];
	r->clients = clients;
	r->client_count = site->client_count;
	return true;
}

bool policy_add_site(struct policy *p, const struct policy_site *site, const char **why)
{
	struct rule *r = arena_alloc(&p->arena, sizeof(*r));

	*why = "memory is out";
	if (!r)
		return false;
	*r = (struct rule){ .settings = site->settings };
	if (!pattern_compile(site->pattern, &p->arena, &r->pattern, why))
		return false;
	if (!copy_methods(r, site, &p->arena) || !copy_clients(r, site, &p->arena))
		return false;
	*p->end = r;
	p->end = &r->next;
	return true;
}

static bool method_matches(const struct rule *r, struct span method)
{
	for (size_t i = 0; i < r->method_count; i++)
		if (span_eq(r->methods[i], method))
			return true;
	return r->method_count == 0;
}

static bool client_matches(const struct rule *r, const struct address *client)
{
	for (size_t i = 0; i < r->client_count; i++)
		if (client && network_has(&r->clients[i], client))
			return true;
	return r->client_count == 0;
}

static bool rule_matches(const struct rule *r, const struct policy_subject *s)
{
	return method_matches(r, s->method) && pattern_matches(&r->pattern, s->target) && client_matches(r, s->client);
}

const struct policy_settings *policy_match(const struct policy *p, const struct policy_subject *s)
{
	for (const struct rule *r = p->rules; r; r = r->next)
		if (rule_matches(r, s))
			return &r->settings;
	return &p->defaults;
}

size_t policy_match_rule(const struct policy *p, const struct policy_subject *s)
{
	size_t n = 0;

	for (const struct rule *r = p->rules; r; r = r->next, n++)
		if (rule_matches(r, s))
			return n;
	return SIZE_MAX;
}

/* ---- evaluation */

/*
 * Under revalidate, not_busted stays NULL unless a signature prevents something: the site was to be revalidated,
 * and is; that this is less than busting is what `busted` says.
 */
void policy_request(struct policy_state *state, const struct policy_settings *settings, struct message *request,
	struct arena *arena)
{
	struct action_run run = { .state = state, .request = request, .message = request, .arena = arena };

	*state = (struct policy_state){
		.settings = settings,
		.mode = settings->mode,
		.service_worker = service_worker_plan(settings, request),
	};
	if (state->service_worker != SERVICE_WORKERS_PASS)
		state->mode = MODE_BUST;
	switch (state->mode) {
	case MODE_OFF:
		state->not_busted = "mode = off";
		return;
	case MODE_OBSERVE:
		state->not_busted = "mode = observe";
		if (!settings->ask_networks)
			return;
		break;
	case MODE_BUST:
		state->busted = true;
		break;
	case MODE_REVALIDATE:
		break;
	}
	signature_fields(request, state->signed_fields);
	actions_edit_request(&run);
}

void policy_response(struct policy_state *state, const struct message *request, struct message *response,
	struct arena *arena, int64_t now_s)
{
	struct action_run run = {
		.state = state, .request = request, .message = response, .arena = arena, .now_s = now_s
	};

	/* Interim answers are no answers: Early Hints only announce what will be asked for, through here again. */
	if (response->status < 200 || !state->settings)
		return;
	if (mode_rewrites(state->mode))
		actions_edit_response(&run);
}

bool policy_kills_worker(struct policy_state *state, const struct policy_settings *settings,
	const struct message *request)
{
	enum service_workers plan = service_worker_plan(settings, request);

	if (plan != SERVICE_WORKERS_KILL)
		return false;
	*state = (struct policy_state){
		.settings = settings,
		.mode = MODE_BUST,
		.busted = true,
		.service_worker = plan,
		.service_worker_note = "killed",
	};
	return true;
}

/* Whether a member says that nobody wants the answer yet, whatever parameters follow it: "prefetch;prerender". */
static bool names_speculation(struct span list)
{
	struct span member;

	while (span_list_next(&list, &member)) {
		struct span item = span_trim(span_first(member, span_find(member, ';')));

		if (span_ieq(item, SPAN("prefetch")) || span_ieq(item, SPAN("preview")))
			return true;
	}
	return false;
}

static bool is_speculative(const struct message *request)
{
	static const enum header marks[] = { HEADER_SEC_PURPOSE, HEADER_PURPOSE, HEADER_X_PURPOSE, HEADER_X_MOZ };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (const struct field *f = message_field(request, marks[i]); f; f = message_next(request, f))
			if (names_speculation(f->value))
				return true;
	return false;
}

const char *policy_refuses(const struct policy_settings *settings, const struct message *request)
{
	if (settings->mode != MODE_BUST || !method_is_bustable(request->method_id) || !is_speculative(request))
		return NULL;
	return "speculative request: what it stored would be used later without asking";
}

struct span mode_name(enum mode mode)
{
	switch (mode) {
	case MODE_OFF:
		return SPAN("off");
	case MODE_OBSERVE:
		return SPAN("observe");
	case MODE_REVALIDATE:
		return SPAN("revalidate");
	case MODE_BUST:
		return SPAN("bust");
	}
	return SPAN_NONE;
}
