/*
 * Giving members their values: from a text, from the command line, from the global value.
 */
#include "config/assign.h"

#include <stdlib.h>

#include "config/field.h"
#include "config/report.h"

enum { MESSAGE_BYTES = 512 };

void place_set(struct config_places *places, const struct config_option *o, const char *where)
{
	char **place = &places->where[option_id(o)];

	free(*place);
	*place = strdup(where);
}

void places_fini(struct config_places *places)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		free(places->where[i]);
		places->where[i] = NULL;
	}
}

void assign(const struct config_option *o, void *at, struct span text, const char *where,
	    struct config_report *report)
{
	char message[MESSAGE_BYTES];
	const char *why = field_set(o, at, text);

	if (!why)
		return;
	field_explain(o, text, why, message, sizeof(message));
	report_error(report, where, "%s", message);
}

static bool named_before(const struct config_overrides *all, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(all->items[i].name, all->items[index].name) == 0)
			return true;
	return false;
}

static void assign_override(const struct config_overrides *all, size_t index, struct config *config,
			    struct config_report *report)
{
	const struct config_option *o = option_find(all->items[index].name);
	struct span rest = span_str(all->items[index].value), part;
	void *at = option_in_config(o, config);

	if (!option_is_list(o)) {
		assign(o, at, rest, "command line", report);
		return;
	}
	if (!named_before(all, index))
		field_clear(o, at);
	while (span_list_next(&rest, &part))
		assign(o, at, part, "command line", report);
}

void assign_overrides(const struct config_overrides *all, struct config *config, struct config_places *places,
		      struct config_report *report)
{
	for (size_t i = 0; all && i < all->count; i++) {
		const struct config_option *o = option_find(all->items[i].name);

		if (!o || o->scope == SCOPE_SITE) {
			report_error(report, "command line", "there is no option \"%s\"", all->items[i].name);
			continue;
		}
		place_set(places, o, "command line");
		places->allow_given = places->allow_given || option_id(o) == OPTION_allow;
		assign_override(all, i, config, report);
	}
	for (unsigned i = 0; all && i < all->verbose && config->log_level < LOG_LEVEL_TRACE; i++)
		config->log_level++;
}

void assign_inherited(struct config *config)
{
	for (size_t s = 0; s < config->site_count; s++) {
		struct config_site *site = &config->sites[s];

		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct config_option *o = &config_options[i];

			if (o->scope == SCOPE_SHARED && !site->given[i])
				field_copy(o, option_in_site(o, site), option_in_config(o, config));
		}
	}
}
