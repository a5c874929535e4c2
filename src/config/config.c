/*
 * The configuration as data: freeing it, and the few questions it answers itself.
 */
#include "config/config.h"

#include <stdlib.h>

#include "config/field.h"
#include "config/users.h"

static void site_fini(struct config_site *site)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (config_options[i].scope != SCOPE_GLOBAL)
			field_clear(&config_options[i], option_in_site(&config_options[i], site));
	free(site->pattern);
	free(site->where);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (config_options[i].scope != SCOPE_SITE)
			field_clear(&config_options[i], option_in_config(&config_options[i], config));
	for (size_t i = 0; i < config->site_count; i++)
		site_fini(&config->sites[i]);
	free(config->sites);
	free(config->path);
	users_free(config->users);
	free(config);
}

static bool networks_have(const struct config_networks *list, const struct address *a)
{
	for (size_t i = 0; i < list->count; i++)
		if (network_has(&list->items[i], a))
			return true;
	return false;
}

bool config_may_listen(const struct config *config, const struct address *a)
{
	return address_is_loopback(a) || config->allow_given || config->allow_any_client || config->proxy_users[0];
}

bool config_client_allowed(const struct config *config, const struct address *client)
{
	if (networks_have(&config->deny, client))
		return false;
	return config->allow_any_client || networks_have(&config->allow, client);
}

bool config_client_local(const struct config *config, const struct address *client)
{
	return networks_have(&config->local_clients, client);
}

bool config_client_counted(const struct config *config, const struct address *client)
{
	return (config->max_clients_per_address || config->max_requests_per_address) &&
	       !networks_have(&config->limit_exempt, client);
}

bool config_wants_proxy_header(const struct config *config, const struct address *listening)
{
	for (size_t i = 0; i < config->proxy_protocol.count; i++)
		if (address_eq(&config->proxy_protocol.items[i], listening))
			return true;
	return false;
}

bool config_trusts_proxy_header(const struct config *config, const struct address *sender)
{
	return networks_have(&config->proxy_protocol_from, sender);
}

bool config_ports_have(const struct config_ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (port >= ports->items[i].first && port <= ports->items[i].last)
			return true;
	return false;
}

void config_resolver_server(const struct config_resolver *r, char out[ADDRESS_TEXT_MAX])
{
	switch (r->kind) {
	case CONFIG_RESOLVER_SYSTEM_FILE:
		out[0] = '\0';
		return;
	case CONFIG_RESOLVER_GETADDRINFO:
		memcpy(out, "system", sizeof("system"));
		return;
	case CONFIG_RESOLVER_ADDRESS:
		address_format(&r->address, out);
		return;
	}
}
