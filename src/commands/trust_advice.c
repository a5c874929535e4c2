/*
 * What is to be done for programs that look into none of the stores that we can change.  Only prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/trust.h"

void trust_print_quoted(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%";

	if (*text && strspn(text, plain) == strlen(text)) {
		fputs(text, stdout);
		return;
	}
	putchar('\'');
	for (const char *c = text; *c; c++)
		if (*c == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*c);
	putchar('\'');
}

/* Each: for whom, then a command with the certificate's path in the place of @, or its nickname in that of &. */
static const char *const steps[][2] = {
	{ "curl", "export CURL_CA_BUNDLE=@" },
	{ "wget", "echo ca_certificate=@ >>~/.wgetrc" },
	{ "Python (ssl, requests)", "export SSL_CERT_FILE=@ REQUESTS_CA_BUNDLE=@" },
	{ "Node", "export NODE_EXTRA_CA_CERTS=@" },
	{ "git", "git config --global http.sslCAInfo @" },
	{ "git, where the proxy's address is https", "git config --global http.proxySSLCAInfo @" },
	{ "Java", "keytool -importcert -noprompt -cacerts -storepass changeit -alias & -file @" },
	{ "macOS", "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.pem" },
	{ "Windows, as administrator", "certutil -addstore -f Root ca.pem" },
};

static void print_step(const char *command, const struct trust_subject *s)
{
	fputs("  ", stdout);
	for (const char *c = command; *c; c++)
		if (*c == '@')
			trust_print_quoted(s->path);
		else if (*c == '&')
			fputs(s->nickname, stdout);
		else
			putchar(*c);
	putchar('\n');
}

static void advise_about_sudo(const struct trust_subject *s)
{
	const char *user = getenv("SUDO_USER");
	char path[1024];

	if (geteuid() == 0 && user && strcmp(user, "root") != 0 && trust_system_path(s, path, sizeof(path)))
		printf("\nBrowsers of %s: let that user run\n  freshet ca install %s\n", user, path);
}

void trust_advise(const struct trust_subject *s)
{
	advise_about_sudo(s);
	puts("\nPrograms with stores of their own, if they do not use the system's (on other machines, copy the file there):");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		printf("%s:\n", steps[i][0]);
		print_step(steps[i][1], s);
	}
}
