/*
 * Stores of certificates that programs trust: the system's, and those of browsers.  Each function tells on standard
 * output what it found and did, and is true when all is as it was asked for.
 */
#ifndef FRESHET_COMMANDS_TRUST_H
#define FRESHET_COMMANDS_TRUST_H

#include "tls/ca.h"

enum trust_wish { TRUST_LOOK, TRUST_INSTALL, TRUST_UNINSTALL };

enum { TRUST_NICKNAME_BYTES = 32 };

/* Whom to trust. */
struct trust_subject {
	const char *path;                      /* borrowed: its certificate in PEM */
	char fingerprint[CA_FINGERPRINT_BYTES];
	char nickname[TRUST_NICKNAME_BYTES];   /* "freshet-" and the beginning of the fingerprint: no other's */
};

bool trust_system(const struct trust_subject *s, enum trust_wish wish) MUST_CHECK;   /* trust_system.c */
bool trust_browsers(const struct trust_subject *s, enum trust_wish wish) MUST_CHECK; /* trust_browsers.c */
void trust_advise(const struct trust_subject *s);                                    /* trust_advice.c */

/* Prints text so that a shell takes it for one word. */
void trust_print_quoted(const char *text);

/* A certificate's place in the system's store.  False when it is too long. */
bool trust_system_path(const struct trust_subject *s, char *out, size_t room) MUST_CHECK;

#endif
