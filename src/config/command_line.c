/*
 * The command line as data.
 */
#include "config/command_line.h"

#include <getopt.h>

#include "config/nearest.h"
#include "config/option.h"
#include "config/report.h"

/* getopt_long() returns this plus the option's id for long options that stand in the file as well. */
enum { OVERRIDE_BASE = 1000 };

/* Long options without a letter, and not in the file; CHECK_BASE plus enum check_option is one of `check`. */
enum { LONG_PERMIT = 500, LONG_PEM, CHECK_BASE = 600 };

static const struct option long_options[] = {
	{ "intercept", optional_argument, NULL, OVERRIDE_BASE + OPTION_intercept }, /* before the table's, which wants a value */
	{ "config", required_argument, NULL, 'c' },
	{ "port", required_argument, NULL, 'p' },
	{ "test", no_argument, NULL, 't' },
	{ "dump", no_argument, NULL, 'T' },
	{ "delete", no_argument, NULL, 'D' },
	{ "permit", required_argument, NULL, LONG_PERMIT },
	{ "pem", no_argument, NULL, LONG_PEM },
	{ "socket", required_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
#define CHECK_OPTION(id, name, argument, hint, help) { name, argument, NULL, CHECK_BASE + CHECK_##id },
#include "config/check_options.def"
#undef CHECK_OPTION
#define GLOBAL_OPTION(member, name, type, standard, help) \
	{ name, required_argument, NULL, OVERRIDE_BASE + OPTION_##member },
#define SHARED_OPTION(member, name, type, standard, help) \
	{ name, required_argument, NULL, OVERRIDE_BASE + OPTION_##member },
#include "config/options.def"
	{ NULL, 0, NULL, 0 },
};

static bool add_override(struct command_line *c, const char *name, const char *value,
			 char error[COMMAND_ERROR_BYTES])
{
	if (c->overrides.count == COMMAND_OVERRIDES_MAX) {
		snprintf(error, COMMAND_ERROR_BYTES, "too many options");
		return false;
	}
	c->items[c->overrides.count++] = (struct config_override){ name, value };
	return true;
}

/* A port alone is the loopback address with that port. */
static bool add_port(struct command_line *c, const char *port, char error[COMMAND_ERROR_BYTES])
{
	uint64_t n;

	if (!span_u64(span_str(port), 65535, &n)) {
		snprintf(error, COMMAND_ERROR_BYTES, "-p: \"%.*s\" is not a port",
			 SPAN_ARG(report_quotable(span_str(port), 60)));
		return false;
	}
	return add_override(c, "listen", port, error);
}

static bool add_command(struct command_line *c, enum command command, char error[COMMAND_ERROR_BYTES])
{
	(void)error;
	if (c->command == COMMAND_RUN || command > c->command)
		c->command = command; /* -t -T prints, whatever the order; -h beats all */
	return true;
}

static bool is_check_option(int option)
{
	return option >= CHECK_BASE && option < CHECK_BASE + CHECK_OPTIONS;
}

static const char *long_name(int option)
{
	size_t i = 0;

	while (long_options[i].name && long_options[i].val != option)
		i++;
	return long_options[i].name;
}

/* The value is not repeated: it may be a secret. */
static bool add_check(struct command_line *c, int option, char error[COMMAND_ERROR_BYTES])
{
	const char *why = check_request_take(&c->check, (enum check_option)(option - CHECK_BASE), optarg);

	if (why)
		snprintf(error, COMMAND_ERROR_BYTES, "--%s: the value %s", long_name(option), why);
	return !why;
}

static const char *nearest_long(struct span name)
{
	const char *best = NULL;
	size_t limit = nearest_limit(name);

	for (size_t i = 0; long_options[i].name; i++) {
		size_t distance = nearest_distance(name, span_str(long_options[i].name), limit);

		if (distance <= limit && (!best || distance < limit)) {
			best = long_options[i].name;
			limit = distance;
		}
	}
	return best;
}

/*
 * getopt_long() leaves a short option's letter in optopt, or that of a long one given a value it does not
 * take.
 */
static bool unknown(const char *word, char error[COMMAND_ERROR_BYTES])
{
	struct span name = span_from(span_str(word), 2);
	const char *near;

	name = span_first(name, span_find(name, '='));
	near = nearest_long(name);
	if (optopt == LONG_PEM || is_check_option(optopt) || (optopt && strchr("DtTvVh", optopt)))
		snprintf(error, COMMAND_ERROR_BYTES, "--%.*s takes no value", SPAN_ARG(report_quotable(name, 60)));
	else if (optopt)
		snprintf(error, COMMAND_ERROR_BYTES, "there is no option -%c", optopt);
	else if (near)
		snprintf(error, COMMAND_ERROR_BYTES, "there is no option --%.*s; did you mean --%s?",
			 SPAN_ARG(report_quotable(name, 60)), near);
	else
		snprintf(error, COMMAND_ERROR_BYTES, "there is no option --%.*s, or it is cut short",
			 SPAN_ARG(report_quotable(name, 60)));
	return false;
}

static bool add_permit(struct command_line *c, char error[COMMAND_ERROR_BYTES])
{
	if (c->ca.permit_count == COMMAND_PERMITS_MAX) {
		snprintf(error, COMMAND_ERROR_BYTES, "more than %d domains are permitted", COMMAND_PERMITS_MAX);
		return false;
	}
	c->ca.permits[c->ca.permit_count++] = optarg;
	return true;
}

static bool take_option(struct command_line *c, int option, const char *word, char error[COMMAND_ERROR_BYTES])
{
	switch (option) {
	case 'c':
		c->config_path = optarg;
		return true;
	case 'p':
		return add_port(c, optarg, error);
	case 't':
		return add_command(c, COMMAND_TEST, error);
	case 'T':
		return add_command(c, COMMAND_DUMP, error);
	case 'D':
		c->passwd.remove = true;
		return true;
	case LONG_PERMIT:
		return add_permit(c, error);
	case LONG_PEM:
		c->ca.pem = true;
		return true;
	case 's':
		c->ctl.socket = optarg;
		return true;
	case 'H':
		return add_check(c, CHECK_BASE + CHECK_HEADER, error);
	case 'v':
		c->overrides.verbose++;
		return true;
	case 'V':
		return add_command(c, COMMAND_VERSION, error);
	case 'h':
		return add_command(c, COMMAND_HELP, error);
	case ':':
		snprintf(error, COMMAND_ERROR_BYTES, "%.60s needs a value", word);
		return false;
	case '?':
		return unknown(word, error);
	default:
		if (is_check_option(option))
			return add_check(c, option, error);
		return add_override(c, config_options[option - OVERRIDE_BASE].name, optarg ? optarg : "yes", error);
	}
}

static bool take_passwd(struct command_line *c, int count, char **words, char error[COMMAND_ERROR_BYTES])
{
	if (count != 2) {
		snprintf(error, COMMAND_ERROR_BYTES, "passwd takes a file and a user: freshet passwd [-D] FILE USER");
		return false;
	}
	c->passwd.path = words[0];
	c->passwd.user = words[1];
	return add_command(c, COMMAND_PASSWD, error);
}

static const char *const ca_actions[] = {
	[CA_INIT] = "init", [CA_INSTALL] = "install", [CA_UNINSTALL] = "uninstall", [CA_STATUS] = "status", [CA_SHOW] = "show",
};

static bool wrong_ca(char error[COMMAND_ERROR_BYTES])
{
	snprintf(error, COMMAND_ERROR_BYTES, "ca takes: init [--permit=DOMAIN ...] | install | uninstall | status | "
		"show [--pem]; all but init take a file, too");
	return false;
}

static bool take_ca(struct command_line *c, int count, char **words, char error[COMMAND_ERROR_BYTES])
{
	size_t action = 0, actions = sizeof(ca_actions) / sizeof(ca_actions[0]);

	while (count && action < actions && strcmp(words[0], ca_actions[action]) != 0)
		action++;
	c->ca.action = (enum ca_action)action;
	if (!count || action == actions || count > (c->ca.action == CA_INIT ? 1 : 2) ||
		(c->ca.permit_count && c->ca.action != CA_INIT) || (c->ca.pem && c->ca.action != CA_SHOW))
		return wrong_ca(error);
	c->ca.file = count == 2 ? words[1] : NULL;
	return add_command(c, COMMAND_CA, error);
}

static bool take_check(struct command_line *c, int count, char **words, char error[COMMAND_ERROR_BYTES])
{
	if (count == 0) {
		snprintf(error, COMMAND_ERROR_BYTES, "check takes URLs: freshet check [options] URL ...");
		return false;
	}
	if (c->check.place_count && c->check.all_addresses) {
		snprintf(error, COMMAND_ERROR_BYTES, "--connect-to says where to ask, and so does --all-addresses");
		return false;
	}
	c->check.urls = words;
	c->check.url_count = (size_t)count;
	return add_command(c, COMMAND_CHECK, error);
}

static bool take_ctl(struct command_line *c, int count, char **words, char error[COMMAND_ERROR_BYTES])
{
	if (c->check.other_given) {
		snprintf(error, COMMAND_ERROR_BYTES, "there is an option of check, but ctl takes -s and --json only");
		return false;
	}
	c->ctl.json = c->check.json;
	return ctl_request_read(&c->ctl, count, words, error, COMMAND_ERROR_BYTES) && add_command(c, COMMAND_CTL, error);
}

static bool take_words(struct command_line *c, int count, char **words, char error[COMMAND_ERROR_BYTES])
{
	if (count && strcmp(words[0], "passwd") == 0)
		return take_passwd(c, count - 1, words + 1, error);
	if (count && strcmp(words[0], "ca") == 0)
		return take_ca(c, count - 1, words + 1, error);
	if (c->ca.permit_count || c->ca.pem)
		return wrong_ca(error);
	if (count && strcmp(words[0], "ctl") == 0)
		return take_ctl(c, count - 1, words + 1, error);
	if (c->ctl.socket) {
		snprintf(error, COMMAND_ERROR_BYTES, "-s belongs to ctl: freshet ctl -s SOCKET show");
		return false;
	}
	if (count && strcmp(words[0], "check") == 0)
		return take_check(c, count - 1, words + 1, error);
	if (c->check.any_given) {
		snprintf(error, COMMAND_ERROR_BYTES, "there is an option of check, but no check: freshet check [options] URL ...");
		return false;
	}
	if (c->passwd.remove) {
		snprintf(error, COMMAND_ERROR_BYTES, "-D belongs to passwd: freshet passwd -D FILE USER");
		return false;
	}
	if (count == 0)
		return true;
	if (strcmp(words[0], "env") != 0) {
		snprintf(error, COMMAND_ERROR_BYTES, "there is no command \"%.*s\"; there are ca, check, ctl, env and passwd",
			 SPAN_ARG(report_quotable(span_str(words[0]), 60)));
		return false;
	}
	if (count > 1) {
		snprintf(error, COMMAND_ERROR_BYTES, "\"%.*s\" is one word too many",
			 SPAN_ARG(report_quotable(span_str(words[1]), 60)));
		return false;
	}
	return add_command(c, COMMAND_ENV, error);
}

/* `--intercept yes`: getopt_long() takes a value that may be missing only from behind an equals sign. */
static void take_detached(int argc, char **argv, int option)
{
	if (option != OVERRIDE_BASE + OPTION_intercept || optarg || optind >= argc)
		return;
	const char *next = argv[optind];
	if (strcmp(next, "no") == 0 || strcmp(next, "yes") == 0 || strcmp(next, "strict") == 0) {
		optarg = argv[optind];
		optind++;
	}
}

bool command_line_parse(int argc, char **argv, struct command_line *out, char error[COMMAND_ERROR_BYTES])
{
	int option;

	memset(out, 0, sizeof(*out));
	out->overrides.items = out->items;
	check_request_init(&out->check);
	opterr = 0; /* we word the messages */
	optind = 0; /* GNU: start over */
	while ((option = getopt_long(argc, argv, ":c:p:s:H:DtTvVh", long_options, NULL)) != -1) {
		take_detached(argc, argv, option);
		if (!take_option(out, option, argv[optind - 1], error))
			return false;
	}
	return take_words(out, argc - optind, argv + optind, error);
}

static const char *value_hint(const struct config_option *o)
{
	switch (o->type) {
	case TYPE_INTEGER:
		return "NUMBER";
	case TYPE_AUTO_INTEGER:
		return "auto|NUMBER";
	case TYPE_SIZE:
		return "SIZE";
	case TYPE_DURATION:
		return "TIME";
	case TYPE_SHARE:
		return "PERCENT";
	case TYPE_BOOLEAN:
		return "yes|no";
	case TYPE_CHOICE:
		return o->choices;
	case TYPE_STRING:
	case TYPE_TOKEN:
		return "TEXT";
	case TYPE_PARENT:
		return "URL";
	case TYPE_RESOLVER:
		return "ADDRESS";
	case TYPE_STRINGS:
	case TYPE_TOKENS:
		return "PATTERN,...";
	case TYPE_PORTS:
		return "PORT,...";
	case TYPE_NETWORKS:
		return "NETWORK,...";
	case TYPE_ADDRESSES:
		return "ADDRESS:PORT,...";
	}
	return "";
}

void command_line_help(FILE *out)
{
	fputs("usage: freshet [-c FILE] [-p PORT] [-t] [-T] [-v] [-V] [-h] [--OPTION=VALUE ...] [env]\n"
	      "       freshet passwd [-D] FILE USER\n"
	      "       freshet check [check options] [--OPTION=VALUE ...] URL ...\n"
	      "       freshet ctl [-s SOCKET] [--json] show [HOST|URL]\n"
	      "       freshet ctl [-s SOCKET] [--json] mode|pierce|intercept SITE VALUE [for TIME]\n"
	      "       freshet ctl [-s SOCKET] [--json] undo SITE [mode|pierce|intercept]\n"
	      "       freshet ctl [-s SOCKET] [--json] flush dns|pools|learned|pierced|history|all\n"
	      "       freshet ca init [--permit=DOMAIN ...]\n"
	      "       freshet ca install|uninstall|status|show [--pem] [FILE]\n"
	      "\n"
	      "A forward proxy for HTTP that keeps caches from answering instead of the origin.\n"
	      "\n"
	      "  -c, --config=FILE  read this file (" CONFIG_DEFAULT_PATH " when it exists)\n"
	      "  -p, --port=PORT    listen on 127.0.0.1 with this port only\n"
	      "  -t, --test         check the configuration\n"
	      "  -T, --dump         check the configuration and print it\n"
	      "  -v, --verbose      log more; may be repeated\n"
	      "  -V, --version      print the version\n"
	      "  -h, --help         print this\n"
	      "  env                print the shell commands that make programs use the proxy\n"
	      "  passwd FILE USER   set a user's password in the file that proxy-users names; -D deletes the user\n"
	      "  check URL ...      does a cache answer with something old? exit 0 fresh, 1 stale, 2 no answer, 3 not to be said\n"
	      "  ctl                change settings of the running proxy for a while, have it forget what it learned\n"
	      "  ca                 the certificate authority for intercept: make it, have programs trust it, look at it\n"
	      "\n"
	      "Options of check:\n",
	      out);
	check_request_help(out);
	fputs("\n"
	      "Every option of the configuration file, stronger than the file; --intercept alone means yes:\n",
	      out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];

		if (o->scope == SCOPE_SITE)
			continue;
		fprintf(out, "  --%s=%s\n        %s", o->name, value_hint(o), o->help);
		fprintf(out, o->standard[0] ? " (%s)\n" : "\n", o->standard);
	}
	fputs("\nSee freshet(8) and freshet.conf(5).\n", out);
}
