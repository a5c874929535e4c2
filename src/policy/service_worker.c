/*
 * What is done about service workers.
 */
#include "policy/service_worker.h"

/* The script that a worker is registered by. */
static bool fetches_script(const struct message *request)
{
	return span_ieq(message_value(request, HEADER_SERVICE_WORKER), SPAN("script"));
}

/* What a module worker imports by `import`; importScripts() fetches say "script", as those of pages do. */
static bool fetches_import(const struct message *request)
{
	return span_ieq(message_value(request, HEADER_SEC_FETCH_DEST), SPAN("serviceworker"));
}

enum service_workers service_worker_plan(const struct policy_settings *settings, const struct message *request)
{
	if (!mode_rewrites(settings->mode) || settings->service_workers == SERVICE_WORKERS_PASS)
		return SERVICE_WORKERS_PASS;
	if (request->method_id != METHOD_GET && request->method_id != METHOD_HEAD)
		return SERVICE_WORKERS_PASS;
	if (fetches_script(request))
		return settings->service_workers;
	return fetches_import(request) ? SERVICE_WORKERS_BUST : SERVICE_WORKERS_PASS;
}

/* The media types that browsers take for JavaScript (MIME Sniffing section 4.6). */
static bool is_javascript(struct span type)
{
	static const struct span types[] = {
		{ "text/javascript", 15 },        { "application/javascript", 22 }, { "application/x-javascript", 24 },
		{ "text/ecmascript", 15 },        { "application/ecmascript", 22 }, { "application/x-ecmascript", 24 },
		{ "text/x-javascript", 17 },      { "text/x-ecmascript", 17 },      { "text/jscript", 12 },
		{ "text/livescript", 15 },        { "text/javascript1.0", 18 },     { "text/javascript1.1", 18 },
		{ "text/javascript1.2", 18 },     { "text/javascript1.3", 18 },     { "text/javascript1.4", 18 },
		{ "text/javascript1.5", 18 },
	};
	struct span essence = span_trim(span_first(type, span_find(type, ';')));

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_ieq(essence, types[i]))
			return true;
	return false;
}

static bool is_encoded(const struct message *response)
{
	struct span encoding = message_value(response, HEADER_CONTENT_ENCODING);

	return encoding.n && !span_ieq(encoding, SPAN("identity"));
}

const char *service_worker_unfit(const struct message *request, const struct message *response)
{
	if (message_has(request, HEADER_RANGE))
		return "not wrapped: a part was asked for";
	if (response->status != 200)
		return "not wrapped: the status is not 200";
	if (!is_javascript(message_value(response, HEADER_CONTENT_TYPE)))
		return "not wrapped: the type is not JavaScript";
	if (is_encoded(response))
		return "not wrapped: content-encoding";
	if (message_list_has(response, HEADER_CACHE_CONTROL, SPAN("no-transform")))
		return "not wrapped: no-transform"; /* RFC 9110 section 7.7 */
	if (response->framing == FRAMING_LENGTH && !response->content_length)
		return "not wrapped: the script is empty";
	return NULL;
}
