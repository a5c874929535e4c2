/*
 * The authority's certificate, for whoever may use the proxy: it is no secret, and who is to trust it needs it.
 */
#include <stdlib.h>

#include "proxy/pages.h"
#include "tls/ca_forms.h"

static enum step send_certificate(struct exchange *x, const struct page *page, const char *file, ca_form *form)
{
	const struct ca *ca = snapshot_authority(x->view->snapshot);
	size_t n = 0;

	if (!ca)
		return exchange_fail(x, REPLY_NO_AUTHORITY, NULL);
	char *text = form(ca, &n);
	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	bool sent = reply_file(x, span_str(page->type), file, span_of(text, n));
	free(text);
	return exchange_answered(x, sent);
}

enum step page_ca_pem(struct exchange *x, const struct page *page)
{
	return send_certificate(x, page, "freshet-ca.pem", ca_pem);
}

enum step page_ca_der(struct exchange *x, const struct page *page)
{
	return send_certificate(x, page, "freshet-ca.crt", ca_der);
}

enum step page_ca_profile(struct exchange *x, const struct page *page)
{
	return send_certificate(x, page, "freshet-ca.mobileconfig", ca_profile);
}
