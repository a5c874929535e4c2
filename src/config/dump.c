/*
 * `freshet -T`: the configuration in force, in the file's own syntax.
 */
#include "config/dump.h"

#include "config/field.h"

static const void *in_config(const struct config_option *o, const struct config *config)
{
	return (const char *)config + o->at;
}

static const void *in_site(const struct config_option *o, const struct config_site *site)
{
	return (const char *)site + o->site_at;
}

/* What a section inherits is written as well, except for lists, where empty means no limit. */
static void dump_site(const struct config_site *site, FILE *out)
{
	fputs("\nsite ", out);
	field_print_string(site->pattern, out);
	fputs(" {\n", out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		if (o->scope == SCOPE_GLOBAL || (option_is_list(o) && !site->given[i]))
			continue;
		fprintf(out, "\t%s = ", o->name);
		field_print(o, in_site(o, site), out);
		putc('\n', out);
	}
	fputs("}\n", out);
}

void config_dump(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		if (o->scope == SCOPE_SITE)
			continue;
		fprintf(out, "%s = ", o->name);
		field_print(o, in_config(o, config), out);
		putc('\n', out);
	}
	for (size_t i = 0; i < config->site_count; i++)
		dump_site(&config->sites[i], out);
}
