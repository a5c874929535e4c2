/*
 * Who may use the proxy, and where to: the configuration's lists, asked at the right places.
 */
#include "proxy/access.h"

#include "proxy/client.h"
#include "proxy/exchange.h"

void access_judge(struct client_access *a, const struct snapshot *s, const struct address *client)
{
	if (a->serial == s->serial)
		return;
	*a = (struct client_access){
		.serial = s->serial,
		.denied = !config_client_allowed(s->config, client),
		.local = config_client_local(s->config, client),
	};
}

enum access_verdict access_address(const struct snapshot *s, bool guarded, const struct address *a)
{
	if (snapshot_is_self(s, a))
		return ACCESS_SELF;
	return guarded && destinations_refuse_address(s->destinations, a) ? ACCESS_PROHIBITED : ACCESS_FREE;
}

bool access_refuses_target(const struct exchange *x)
{
	return !x->client->access.local && destinations_refuse_target(x->view->snapshot->destinations, &x->target);
}
