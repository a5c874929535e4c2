/*
 * The table of options, made from options.def, and looking things up in it.
 */
#ifndef FRESHET_CONFIG_OPTION_H
#define FRESHET_CONFIG_OPTION_H

#include "config/config.h"

enum config_option_id {
#define GLOBAL_OPTION(member, name, type, standard, help) OPTION_##member,
#define SHARED_OPTION(member, name, type, standard, help) OPTION_##member,
#define SITE_OPTION(member, name, type, standard, help) OPTION_##member,
#include "config/options.def"
	OPTION_COUNT
};

enum option_scope { SCOPE_GLOBAL, SCOPE_SHARED, SCOPE_SITE };

enum option_type {
	TYPE_INTEGER,
	TYPE_AUTO_INTEGER,
	TYPE_SIZE,
	TYPE_DURATION,
	TYPE_SHARE,
	TYPE_BOOLEAN,
	TYPE_CHOICE,
	TYPE_STRING,
	TYPE_TOKEN,
	TYPE_PARENT,
	TYPE_RESOLVER,
	TYPE_STRINGS,
	TYPE_TOKENS,
	TYPE_PORTS,
	TYPE_NETWORKS,
	TYPE_ADDRESSES,
};

struct config_option {
	const char *name;
	enum option_scope scope;
	enum option_type type;
	uint64_t min, max;    /* of numbers, in the unit they are kept in */
	const char *choices;  /* "off|observe|…"; NULL for other types */
	const char *standard; /* the default, as text */
	const char *help;
	size_t at;            /* offset in struct config, unless SCOPE_SITE */
	size_t site_at;       /* offset in struct config_site, unless SCOPE_GLOBAL */
};

/* Indexed by enum config_option_id. */
extern const struct config_option config_options[OPTION_COUNT];

/* NULL when there is none of that name. */
const struct config_option *option_find(const char *name);
enum config_option_id option_id(const struct config_option *option);
bool option_is_list(const struct config_option *option);

/* The member that holds the option's value. */
void *option_in_config(const struct config_option *option, struct config *config);
void *option_in_site(const struct config_option *option, struct config_site *site);

/* The option whose name is nearest to a misspelt one; NULL when none is near. */
const char *option_nearest(struct span name);

/* The n-th of the words between bars; empty when there are fewer. */
struct span choice_word(const char *choices, size_t n);

/* The word among them that is nearest to a misspelt one; empty when none is near. */
struct span choice_nearest(const char *choices, struct span text);

#endif
