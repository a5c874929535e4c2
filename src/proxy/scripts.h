/*
 * Scripts that run in browsers: the .js files beside this one, which the Makefile turns into text of the program.
 */
#ifndef FRESHET_PROXY_SCRIPTS_H
#define FRESHET_PROXY_SCRIPTS_H

#include "base/span.h"

extern const struct span service_worker_kill_script;
extern const struct span service_worker_prelude_script;

#endif
