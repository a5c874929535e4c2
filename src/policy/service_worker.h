/*
 * Service workers: which requests fetch one, and what is done about it.
 *
 * Pure.  A browser says of the request for a worker's own script what it is, both when a page registers the worker and
 * when it looks for a new version (Service Workers section 6.1); what the script imports it mostly fetches like any
 * other script.  What a worker takes out of its own stores asks nobody, so nothing here sees it.
 */
#ifndef FRESHET_POLICY_SERVICE_WORKER_H
#define FRESHET_POLICY_SERVICE_WORKER_H

#include "policy/policy.h"

/*
 * What of settings->service_workers applies to this request: PASS when it fetches no worker, when the mode leaves
 * requests untouched, and when a method does not fetch; for imports BUST at most.
 */
enum service_workers service_worker_plan(const struct policy_settings *settings, const struct message *request);

/* Why nothing can be put in front of this answer to WRAP, a constant that begins "not wrapped"; NULL where it can. */
const char *service_worker_unfit(const struct message *request, const struct message *response);

#endif
