/*
 * The authority's certificate in the forms in which programs and devices take it.  Never its key.
 */
#ifndef FRESHET_TLS_CA_FORMS_H
#define FRESHET_TLS_CA_FORMS_H

#include "tls/ca.h"

/* Text of *n bytes, to be freed by the caller; NULL when memory is out. */
typedef char *ca_form(const struct ca *ca, size_t *n);

ca_form ca_pem;
ca_form ca_der;

/*
 * A configuration profile for Apple's systems, unsigned.  Its identifiers follow from the certificate alone, so that the
 * same one installed again replaces itself.
 */
ca_form ca_profile;

/* The common name of its subject in UTF-8, to be freed by the caller; NULL when it has none or memory is out. */
char *ca_common_name(const struct ca *ca);

#endif
