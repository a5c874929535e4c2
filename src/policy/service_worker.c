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

static bool rewrites(enum mode mode)
{
	switch (mode) {
	case MODE_OFF:
	case MODE_OBSERVE:
		return false;
	case MODE_REVALIDATE:
	case MODE_BUST:
		break;
	}
	return true;
}

enum service_workers service_worker_plan(const struct policy_settings *settings, const struct message *request)
{
	if (!rewrites(settings->mode) || settings->service_workers == SERVICE_WORKERS_PASS)
		return SERVICE_WORKERS_PASS;
	if (request->method_id != METHOD_GET && request->method_id != METHOD_HEAD)
		return SERVICE_WORKERS_PASS;
	if (fetches_script(request))
		return settings->service_workers;
	return fetches_import(request) ? SERVICE_WORKERS_BUST : SERVICE_WORKERS_PASS;
}
