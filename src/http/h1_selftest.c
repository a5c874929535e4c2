/*
 * Is the llhttp that we are linked with the strict machine?
 *
 * The macro that selects it is checked when our own files are compiled; this looks at what it does.
 */
#include "http/h1.h"

static bool accepts(struct span head)
{
	static const llhttp_settings_t settings = { .on_message_complete = NULL };
	llhttp_t parser;

	llhttp_init(&parser, HTTP_REQUEST, &settings);
	return llhttp_execute(&parser, head.p, head.n) == HPE_OK;
}

/* The second one ends its head with a CR and any byte (CVE-2025-23167). */
bool h1_self_test(void)
{
	return accepts(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n")) && !accepts(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\rX"));
}
