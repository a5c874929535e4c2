/*
 * The table of options, and finding the one that was meant.
 */
#include "config/option.h"

#include "config/nearest.h"

#define ROW_INTEGER(lo, hi) .type = TYPE_INTEGER, .min = (lo), .max = (hi)
#define ROW_AUTO_INTEGER(lo, hi) .type = TYPE_AUTO_INTEGER, .min = (lo), .max = (hi)
#define ROW_SIZE(lo, hi) .type = TYPE_SIZE, .min = (lo), .max = (hi)
#define ROW_DURATION(lo, hi) .type = TYPE_DURATION, .min = (lo), .max = (hi)
#define ROW_SHARE .type = TYPE_SHARE, .min = 0, .max = 1000000
#define ROW_BOOLEAN .type = TYPE_BOOLEAN
#define ROW_CHOICE(tag, words) .type = TYPE_CHOICE, .choices = (words)
#define ROW_STRING .type = TYPE_STRING
#define ROW_TOKEN .type = TYPE_TOKEN
#define ROW_PARENT .type = TYPE_PARENT
#define ROW_RESOLVER .type = TYPE_RESOLVER
#define ROW_STRINGS .type = TYPE_STRINGS
#define ROW_TOKENS .type = TYPE_TOKENS
#define ROW_PORTS .type = TYPE_PORTS
#define ROW_NETWORKS .type = TYPE_NETWORKS
#define ROW_ADDRESSES .type = TYPE_ADDRESSES

const struct config_option config_options[OPTION_COUNT] = {
#define GLOBAL_OPTION(member, text, kind, value, sentence) \
	[OPTION_##member] = { .name = (text), .scope = SCOPE_GLOBAL, ROW_##kind, .standard = (value), \
			      .help = (sentence), .at = offsetof(struct config, member) },
#define SHARED_OPTION(member, text, kind, value, sentence) \
	[OPTION_##member] = { .name = (text), .scope = SCOPE_SHARED, ROW_##kind, .standard = (value), \
			      .help = (sentence), .at = offsetof(struct config, member), \
			      .site_at = offsetof(struct config_site, member) },
#define SITE_OPTION(member, text, kind, value, sentence) \
	[OPTION_##member] = { .name = (text), .scope = SCOPE_SITE, ROW_##kind, .standard = (value), \
			      .help = (sentence), .site_at = offsetof(struct config_site, member) },
#include "config/options.def"
};

_Static_assert((int)OPTION_COUNT <= (int)CONFIG_OPTIONS_MAX, "config_site.given has a place per option");

const struct config_option *option_find(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(config_options[i].name, name) == 0)
			return &config_options[i];
	return NULL;
}

enum config_option_id option_id(const struct config_option *option)
{
	return (enum config_option_id)(option - config_options);
}

bool option_is_list(const struct config_option *option)
{
	return option->type >= TYPE_STRINGS;
}

void *option_in_config(const struct config_option *option, struct config *config)
{
	return (char *)config + option->at;
}

void *option_in_site(const struct config_option *option, struct config_site *site)
{
	return (char *)site + option->site_at;
}

const char *option_nearest(struct span name)
{
	const char *best = NULL;
	size_t limit = nearest_limit(name);

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		size_t distance = nearest_distance(name, span_str(config_options[i].name), limit);

		if (distance <= limit) {
			best = config_options[i].name;
			if (distance == 0)
				break;
			limit = distance - 1;
		}
	}
	return best;
}

struct span choice_word(const char *choices, size_t n)
{
	struct span rest = span_str(choices);

	while (n-- && rest.n)
		rest = span_from(rest, span_find(rest, '|') + 1);
	return span_first(rest, span_find(rest, '|'));
}

struct span choice_nearest(const char *choices, struct span text)
{
	struct span best = SPAN_NONE, word;
	size_t limit = nearest_limit(text);

	for (size_t i = 0; (word = choice_word(choices, i)).n; i++) {
		size_t distance = nearest_distance(text, word, limit);

		if (distance <= limit) {
			best = word;
			if (distance == 0)
				break;
			limit = distance - 1;
		}
	}
	return best;
}
