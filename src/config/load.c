/*
 * Reading the configuration with libconfuse.
 *
 * Its grammar is used, its types are not: every value reaches on_value() as text together with its line,
 * where it is checked by field_set(), so that all wrong values of a file are reported and not the first only.
 * Sections are taken over and dropped as they end, as the library would let a second section with the same
 * title replace the first.  See text.h for what it must not be given at all.
 */
#include <confuse.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/assign.h"
#include "config/check.h"
#include "config/field.h"
#include "config/report.h"
#include "config/text.h"
#include "config/users.h"

enum { INCLUDES_DEEP = 8, WHERE_BYTES = 512 };
enum { MEMORY_BLOCKS = 32, MEMORY_BLOCK_BYTES = 64 * 1024 }; /* blocks below malloc's limit for mmap(2) */

/* One run of the loader; on the stack. */
struct loading {
	struct config *config;        /* owned until it is returned */
	struct config_report *report; /* borrowed */
	struct config_places places;  /* owned strings */
	char site_where[WHERE_BYTES]; /* where the section being read begins */
	unsigned depth;               /* of includes */
};

/* The library hands its callbacks no pointer of ours. */
static _Thread_local struct loading *current;

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
static int on_site_begin(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
static int on_site(cfg_t *cfg, cfg_opt_t *opt);
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv);
static void on_error(cfg_t *cfg, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Scalars begin with their default, and lists as well, so that `+=` adds to it. */
#define SCALAR(name, text, flags) CFG_STR_CB(name, text, flags, on_value),
#define LIST(name, text, flags) CFG_STR_LIST_CB(name, "{" text "}", flags, on_value),
#define ENTRY_INTEGER(lo, hi) SCALAR
#define ENTRY_AUTO_INTEGER(lo, hi) SCALAR
#define ENTRY_SIZE(lo, hi) SCALAR
#define ENTRY_DURATION(lo, hi) SCALAR
#define ENTRY_SHARE SCALAR
#define ENTRY_BOOLEAN SCALAR
#define ENTRY_CHOICE(tag, words) SCALAR
#define ENTRY_STRING SCALAR
#define ENTRY_TOKEN SCALAR
#define ENTRY_PARENT SCALAR
#define ENTRY_RESOLVER SCALAR
#define ENTRY_STRINGS LIST
#define ENTRY_TOKENS LIST
#define ENTRY_PORTS LIST
#define ENTRY_NETWORKS LIST
#define ENTRY_ADDRESSES LIST

/*
 * In a site a scalar that is not set has no value: it is inherited.  The entry without a name cannot be
 * reached from a file; its default is "parsed" when a section begins, the only occasion to learn that line.
 */
static cfg_opt_t site_entries[] = {
#define SHARED_OPTION(member, name, type, standard, help) ENTRY_##type(name, NULL, CFGF_NODEFAULT)
#define SITE_OPTION(member, name, type, standard, help) ENTRY_##type(name, standard, CFGF_NONE)
#include "config/options.def"
	CFG_STR_LIST_CB("", "{begin}", CFGF_NONE, on_site_begin),
	CFG_END()
};

static cfg_opt_t file_entries[] = {
#define GLOBAL_OPTION(member, name, type, standard, help) ENTRY_##type(name, standard, CFGF_NONE)
#define SHARED_OPTION(member, name, type, standard, help) ENTRY_##type(name, standard, CFGF_NONE)
#include "config/options.def"
	CFG_SEC("site", site_entries, CFGF_MULTI | CFGF_TITLE),
	CFG_FUNC("include", on_include),
	CFG_END()
};

/* "file:line" of what the library reads at the moment. */
static void where_format(const cfg_t *cfg, char out[WHERE_BYTES])
{
	if (cfg && cfg->filename)
		snprintf(out, WHERE_BYTES, "%.480s:%d", cfg->filename, cfg->line);
	else
		snprintf(out, WHERE_BYTES, "defaults");
}

/*
 * Called for every value of the file, and for the default of every list.  Only checks it: on_site() and
 * take_values() keep it.
 */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct config_option *o = option_find(opt->name);
	const char **kept = result;
	union field_any scratch;
	char where[WHERE_BYTES];

	memset(&scratch, 0, sizeof(scratch));
	where_format(cfg, where);
	assign(o, &scratch, span_str(value), where, current->report);
	field_clear(o, &scratch);
	if (cfg->filename && !cfg->title)
		place_set(&current->places, o, where);
	*kept = value;
	return 0; /* goes on even if wrong: there may be more to report */
}

/* Moves the values that the library collected for an option into the member. */
static void take_value(struct loading *l, cfg_opt_t *opt, const struct config_option *o, void *at)
{
	if (report_failed(l->report))
		return; /* reported by on_value(), nothing will be returned */
	for (unsigned i = 0; i < cfg_opt_size(opt); i++)
		assign(o, at, span_str(cfg_opt_getnstr(opt, i)), o->name, l->report);
}

static void take_values(struct loading *l, cfg_t *cfg)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		if (o->scope == SCOPE_SITE)
			continue;
		take_value(l, cfg_getopt(cfg, o->name), o, option_in_config(o, l->config));
	}
	l->places.allow_given = cfg_getopt(cfg, "allow")->flags & CFGF_MODIFIED;
}

static struct config_site *site_add(struct config *config)
{
	struct config_site *sites = realloc(config->sites, (config->site_count + 1) * sizeof(*sites));

	if (!sites)
		return NULL;
	config->sites = sites;
	struct config_site *site = &sites[config->site_count++];
	memset(site, 0, sizeof(*site));
	return site;
}

static void take_site(struct loading *l, cfg_t *section)
{
	struct config_site *site = site_add(l->config);

	if (site) {
		site->pattern = strdup(cfg_title(section));
		site->where = strdup(l->site_where);
	}
	if (!site || !site->pattern || !site->where) {
		l->report->out_of_memory = true;
		return;
	}
	if (!span_trim(span_str(site->pattern)).n)
		report_error(l->report, site->where,
			     "a site section needs a pattern, as in site \"*.example.com\"");
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		if (o->scope == SCOPE_GLOBAL)
			continue;
		cfg_opt_t *opt = cfg_getopt(section, o->name);
		if (opt->flags & CFGF_MODIFIED)
			site->given[i] = true;
		take_value(l, opt, o, option_in_site(o, site));
	}
}

static int on_site_begin(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const char **kept = result;

	(void)opt;
	where_format(cfg, current->site_where);
	*kept = value;
	return 0;
}

/* Called at the end of a site section. */
static int on_site(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	take_site(current, cfg_opt_getnsec(opt, 0));
	return cfg_opt_rmnsec(opt, 0);
}

/* The option that a message of the library calls unknown, said better. */
static void unknown_option(struct loading *l, const cfg_t *cfg, const char *where, struct span name)
{
	bool in_site = cfg->title != NULL;
	char text[64];
	const char *near = option_nearest(name);

	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(report_quotable(name, 60)));
	if (option_find(text))
		report_error(l->report, where, "\"%s\" stands %s site sections only", text,
			     in_site ? "outside of" : "inside");
	else if (in_site && (strcmp(text, "include") == 0 || strcmp(text, "site") == 0))
		report_error(l->report, where, "\"%s\" stands outside of site sections only", text);
	else if (near)
		report_error(l->report, where, "there is no option \"%s\"; did you mean \"%s\"?", text, near);
	else
		report_error(l->report, where, "there is no option \"%s\"", text);
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char message[WHERE_BYTES], where[WHERE_BYTES];
	struct span text, unknown = SPAN("no such option '");

	vsnprintf(message, sizeof(message), format, args);
	where_format(cfg, where);
	text = span_str(message);
	if (span_starts(text, unknown)) {
		text = span_from(text, unknown.n);
		unknown_option(current, cfg, where, span_first(text, text.n ? text.n - 1 : 0));
	} else {
		report_error(current->report, where, "%s", message);
	}
}

/* For failures about which the library itself says nothing, such as an option with an empty name. */
static void report_syntax(struct loading *l, const cfg_t *cfg)
{
	char where[WHERE_BYTES];

	where_format(cfg, where);
	report_error(l->report, where, "syntax error");
}

/* Parses a text as part of cfg.  The text is changed. */
static bool parse(struct loading *l, cfg_t *cfg, const char *name, char *text, size_t n)
{
	size_t errors = l->report->errors.count;
	char *outer_name = cfg->filename;
	int outer_line = cfg->line;
	bool ok = false;

	if (!text_prepare(name, text, n, l->report))
		return false;
	if (n == 0)
		return true; /* fmemopen() may refuse it */
	FILE *file = fmemopen(text, n, "r");
	cfg->filename = strdup(name);
	if (file && cfg->filename)
		ok = cfg_parse_fp(cfg, file) == CFG_SUCCESS;
	else
		l->report->out_of_memory = true;
	if (!ok && l->report->errors.count == errors)
		report_syntax(l, cfg);
	if (file)
		fclose(file);
	free(cfg->filename);
	cfg->filename = outer_name;
	cfg->line = outer_line;
	return ok;
}

static bool parse_file(struct loading *l, cfg_t *cfg, const char *path, bool only_regular, const char *where)
{
	const char *why = NULL;
	size_t n = 0;
	char *text = text_read(path, only_regular, &n, &why);
	bool ok = text && parse(l, cfg, path, text, n);

	if (!text)
		report_error(l->report, where, "cannot read %s: %s", path, why);
	free(text);
	return ok;
}

/* The path that an include means: relative to the file it stands in. */
static void include_path(const cfg_t *cfg, const char *path, char *out, size_t out_size)
{
	const char *slash = strrchr(cfg->filename, '/');
	int directory = slash && path[0] != '/' ? (int)(slash - cfg->filename) + 1 : 0;

	snprintf(out, out_size, "%.*s%s", directory, cfg->filename, path);
}

/* include("file") or include("directory/'*'.conf"); a pattern may match nothing. */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct loading *l = current;
	char path[4096], where[WHERE_BYTES];
	glob_t found = { .gl_pathc = 0 };
	bool ok = true;

	(void)opt;
	(void)argc; /* text_prepare() lets no other number than one through */
	where_format(cfg, where);
	if (l->depth == INCLUDES_DEEP) {
		report_error(l->report, where,
			     "includes within includes are too deep; does a file include itself?");
		return CFG_FAIL;
	}
	include_path(cfg, argv[0], path, sizeof(path));
	l->depth++;
	if (!strpbrk(path, "*?["))
		ok = parse_file(l, cfg, path, true, where);
	else if (glob(path, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && ok; i++)
			ok = parse_file(l, cfg, found.gl_pathv[i], true, where);
	globfree(&found);
	l->depth--;
	return ok ? CFG_SUCCESS : CFG_FAIL;
}

/* Who asks for passwords need not name networks as well: then clients of all of them are heard. */
static void load_users(struct loading *l)
{
	struct config *c = l->config;
	const char *where = l->places.where[OPTION_proxy_users];

	if (!c->proxy_users[0])
		return;
	c->users = users_load(c->proxy_users, where ? where : l->places.fallback, l->report);
	if (c->allow_given)
		return;
	field_clear(&config_options[OPTION_allow], &c->allow);
	assign(&config_options[OPTION_allow], &c->allow, SPAN("0.0.0.0/0"), "allow", l->report);
	assign(&config_options[OPTION_allow], &c->allow, SPAN("::/0"), "allow", l->report);
}

static void finish(struct loading *l, cfg_t *cfg, const struct config_overrides *overrides)
{
	take_values(l, cfg);
	assign_overrides(overrides, l->config, &l->places, l->report);
	if (report_failed(l->report))
		return;
	assign_inherited(l->config);
	l->config->allow_given = l->places.allow_given;
	config_check(l->config, &l->places, l->report);
	load_users(l);
}

/*
 * Whether there is memory to spare.  libconfuse aborts the process when it gets none, so it is only given to work
 * with plenty at hand: what is freed here is what it will get.
 */
static bool memory_abounds(void)
{
	void *block[MEMORY_BLOCKS];
	int count = 0;

	while (count < MEMORY_BLOCKS && (block[count] = malloc(MEMORY_BLOCK_BYTES)))
		count++;
	for (int i = 0; i < count; i++)
		free(block[i]);
	return count == MEMORY_BLOCKS;
}

/* Everything around parsing.  `text` is parsed when not NULL, else the file when path is not NULL. */
static struct config *load(const char *path, char *text, size_t n, const struct config_overrides *overrides,
			   struct config_report *report)
{
	struct loading l = { .config = calloc(1, sizeof(*l.config)), .report = report };
	cfg_t *cfg;
	bool ok = true;

	current = &l;
	cfg = memory_abounds() ? cfg_init(file_entries, CFGF_NONE) : NULL;
	if (!cfg || !l.config)
		goto out;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "site", on_site);
	if (text)
		ok = parse(&l, cfg, path, text, n);
	else if (path)
		ok = parse_file(&l, cfg, path, false, "configuration");
	if (path)
		l.config->path = strdup(path);
	l.places.fallback = path ? path : "defaults";
	finish(&l, cfg, overrides);
out:
	if (!cfg || !l.config || (path && !l.config->path))
		report->out_of_memory = true;
	if (cfg)
		cfg_free(cfg);
	current = NULL;
	places_fini(&l.places);
	if (ok && !report_failed(report))
		return l.config;
	config_free(l.config);
	return NULL;
}

struct config *config_parse_text(const char *name, struct span text, const struct config_overrides *overrides,
				 struct config_report *report)
{
	char *copy = malloc(text.n + 1);
	struct config *config = NULL;

	if (!copy) {
		report->out_of_memory = true;
		return NULL;
	}
	if (text.n)
		memcpy(copy, text.p, text.n);
	config = load(name, copy, text.n, overrides, report);
	free(copy);
	return config;
}

struct config *config_load(const char *path, const struct config_overrides *overrides,
			   struct config_report *report)
{
	if (!path && access(CONFIG_DEFAULT_PATH, F_OK) == 0)
		path = CONFIG_DEFAULT_PATH;
	return load(path, NULL, 0, overrides, report);
}
