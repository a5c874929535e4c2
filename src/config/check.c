/*
 * What single values cannot tell.
 */
#include "config/check.h"

#include <sys/un.h>

#include "config/report.h"

struct check {
	const struct config *config; /* borrowed, as all here */
	const struct config_places *places;
	struct config_report *report;
};

static const char *place(const struct check *c, enum config_option_id id)
{
	return c->places->where[id] ? c->places->where[id] : c->places->fallback;
}

static void check_duplicate(const struct check *c, const struct address *a, size_t index)
{
	const struct config_addresses *listen = &c->config->listen;
	char text[ADDRESS_TEXT_MAX];

	if (a->port == 0)
		return; /* the kernel picks another each time */
	for (size_t i = 0; i < index; i++) {
		if (!address_eq(&listen->items[i], a))
			continue;
		address_format(a, text);
		report_error(c->report, place(c, OPTION_listen), "listen: \"%s\" is there twice", text);
		return;
	}
}

/* A proxy that everybody can use is found and abused within hours. */
static void check_exposed(const struct check *c, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (config_may_listen(c->config, a))
		return;
	address_format(a, text);
	report_error(c->report, place(c, OPTION_listen),
		     "listen: \"%s\" can be reached from other machines: say with allow which clients are "
		     "served, with proxy-users which users, or set allow-any-client = yes", text);
}

static bool listens_on(const struct config *config, const struct address *a)
{
	for (size_t i = 0; i < config->listen.count; i++)
		if (address_eq(&config->listen.items[i], a))
			return true;
	return false;
}

static void check_proxy_protocol(const struct check *c)
{
	const struct config *config = c->config;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < config->proxy_protocol.count; i++) {
		if (listens_on(config, &config->proxy_protocol.items[i]))
			continue;
		address_format(&config->proxy_protocol.items[i], text);
		report_error(c->report, place(c, OPTION_proxy_protocol), "proxy-protocol: \"%s\" is not in listen", text);
	}
	if (config->proxy_protocol.count && !config->proxy_protocol_from.count)
		report_error(c->report, place(c, OPTION_proxy_protocol),
			     "proxy-protocol: say with proxy-protocol-from whose headers are believed");
	else if (config->proxy_protocol_from.count && !config->proxy_protocol.count)
		report_warning(c->report, place(c, OPTION_proxy_protocol_from),
			       "proxy-protocol-from has no meaning without proxy-protocol");
}

static void check_listen(const struct check *c)
{
	const struct config_addresses *listen = &c->config->listen;

	if (listen->count == 0)
		report_error(c->report, place(c, OPTION_listen), "listen: there is no address to listen on");
	for (size_t i = 0; i < listen->count; i++) {
		check_duplicate(c, &listen->items[i], i);
		check_exposed(c, &listen->items[i]);
	}
}

static void check_clients(const struct check *c)
{
	const struct config *config = c->config;

	if (config->allow_any_client)
		report_warning(c->report, place(c, OPTION_allow_any_client),
			       "allow-any-client: every client that reaches the proxy is served%s",
			       config->deny.count ? ", but for those in deny" : "");
	else if (config->allow.count == 0)
		report_warning(c->report, place(c, OPTION_allow),
			       "allow: the list is empty, so no client is served");
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii_digit(c) || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

static void check_pierce(const struct check *c)
{
	const char *name = c->config->pierce_parameter;
	size_t n = 0;

	while (is_unreserved(name[n]))
		n++;
	if (!n || name[n])
		report_error(c->report, place(c, OPTION_pierce_parameter),
			     "pierce-parameter: \"%s\" is not made of letters, digits and -._~", name);
}

static void check_method_case(const struct check *c, const struct config_site *site)
{
	for (size_t i = 0; i < site->method.count; i++) {
		const char *method = site->method.items[i];

		if (method[0] >= 'a' && method[0] <= 'z')
			report_warning(c->report, site->where,
				       "method: \"%s\" is in small letters, which count: methods are spelt like GET",
				       method);
	}
}

static void check_sites(const struct check *c)
{
	for (size_t i = 0; i < c->config->site_count; i++) {
		check_method_case(c, &c->config->sites[i]);
	}
}

/* Limits that somebody set and that a smaller one hides; defaults may well be hidden. */
static void check_limits(const struct check *c)
{
	const struct config *config = c->config;

	if (config->max_target > config->max_head && c->places->where[OPTION_max_target])
		report_warning(c->report, place(c, OPTION_max_target),
			       "max-target: a target is part of the head, so max-head (%zu) counts",
			       config->max_head);
	if (config->pool_idle > config->pool_max && c->places->where[OPTION_pool_idle])
		report_warning(c->report, place(c, OPTION_pool_idle),
			       "pool-idle: more than pool-max (%u) connections never exist",
			       config->pool_max);
}

static void check_routes(const struct check *c)
{
	const struct config *config = c->config;

	if (config->no_parent.count && config->parent.kind == CONFIG_PARENT_NONE)
		report_warning(c->report, place(c, OPTION_no_parent),
			       "no-parent has no meaning without parent");
	if (config->access_log[0] == '\0')
		report_error(c->report, place(c, OPTION_access_log),
			     "access-log: the name is empty; write off for no access log");
}

/* One without the other would be somebody's authority with somebody else's key. */
static void check_authority(const struct check *c)
{
	const struct config *config = c->config;

	if (!config->ca_cert[0] != !config->ca_key[0])
		report_error(c->report, place(c, config->ca_cert[0] ? OPTION_ca_cert : OPTION_ca_key),
			     "ca-cert and ca-key belong together: set both or none");
}

static void check_control(const struct check *c)
{
	const char *control = c->config->control;

	if (control[0] != '/' && strcmp(control, "auto") != 0 && strcmp(control, "off") != 0)
		report_error(c->report, place(c, OPTION_control),
			     "control: \"%s\" is neither auto nor off nor a path that begins with /", control);
	else if (strlen(control) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		report_error(c->report, place(c, OPTION_control), "control: the path is too long for a socket");
}

void config_check(const struct config *config, const struct config_places *places,
		  struct config_report *report)
{
	struct check c = { config, places, report };

	check_listen(&c);
	check_proxy_protocol(&c);
	check_clients(&c);
	check_pierce(&c);
	check_sites(&c);
	check_limits(&c);
	check_routes(&c);
	check_authority(&c);
	check_control(&c);
}
