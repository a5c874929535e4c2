/*
 * When Clear-Site-Data is worth sending.
 */
#include "policy/purge.h"

/*
 * A browser ignores the field where it sends no credentials: across origins that is the default for fetch() and for
 * what has a crossorigin attribute.  A Cookie proves otherwise.
 */
static bool has_credentials(const struct message *request)
{
	return !span_eq(message_value(request, HEADER_SEC_FETCH_MODE), SPAN("cors")) ||
	       span_eq(message_value(request, HEADER_SEC_FETCH_SITE), SPAN("same-origin")) ||
	       message_has(request, HEADER_COOKIE);
}

/* A 304 only stands for what is stored; a 401 is asked again before anybody looks at its fields. */
static bool is_looked_at(const struct message *response)
{
	return response->status >= 200 && response->status != 304 && response->status != 401;
}

bool purge_can(const struct policy_state *state, const struct message *request, const struct message *response)
{
	if (!state->settings->purge_client || !mode_rewrites(state->settings->mode) || request->method_id == METHOD_HEAD)
		return false;
	return message_has(request, HEADER_SEC_FETCH_MODE) && has_credentials(request) && is_looked_at(response);
}

bool purge_is_ordered(const struct message *response)
{
	return message_list_has(response, HEADER_CLEAR_SITE_DATA, SPAN("\"cache\"")) ||
	       message_list_has(response, HEADER_CLEAR_SITE_DATA, SPAN("\"*\""));
}
