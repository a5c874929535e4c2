/*
 * The file's text, before the parsing library sees it.
 *
 * libconfuse 3.3 misreads some texts without a word.  They are made harmless or refused here:
 *   - comments count as up to three lines, and are syntax errors inside lists: blanked;
 *   - '*' and a lone '+' outside of quotes vanish, so that `site *.a.org` means ".a.org": refused;
 *   - an unterminated comment swallows the rest, and a section may lack its closing brace: refused;
 *   - wrong arguments of include() leak: refused;
 *   - NUL bytes end strings early: refused;
 *   - a directory ends the process, as the scanner exits on read errors: files are read here.
 */
#ifndef FRESHET_CONFIG_TEXT_H
#define FRESHET_CONFIG_TEXT_H

#include "config/report.h"

/*
 * Reads a whole file.  NULL with *why set to the reason on failure; only_regular refuses pipes and devices.
 * The caller frees the text.
 */
char *text_read(const char *path, bool only_regular, size_t *n, const char **why) MUST_CHECK;

/* Changes the text in place, keeping its lines.  False when it must not be parsed; the report says why. */
bool text_prepare(const char *name, char *text, size_t n, struct config_report *report) MUST_CHECK;

#endif
