/*
 * What our own pages have to know before they do anything: who we are, what the client may do, and the token.
 */
#include "inspect/json.h"
#include "proxy/pages.h"

enum { ABOUT_MAX = 512 };

enum step page_about(struct exchange *x, const struct page *page)
{
	char text[ABOUT_MAX], token[PAGE_TOKEN_BYTES];
	struct json j = json_of(text, sizeof(text));

	(void)page;
	page_token(x->worker->shared, token);
	json_open(&j, '{');
	json_key(&j, SPAN("version"));
	json_string(&j, SPAN(FRESHET_VERSION));
	json_key(&j, SPAN("token"));
	json_string(&j, span_of(token, PAGE_TOKEN_BYTES));
	json_key(&j, SPAN("here"));
	json_bool(&j, page_client_is_here(x));
	json_close(&j, '}');
	return exchange_answered(x, reply_page(x, 200, SPAN("application/json"), span_of(text, j.line.n)));
}
