/*
 * Runs other programs.
 */
#include "commands/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_MISSING = 127 };

static _Noreturn void become(const char *const arguments[], bool quiet)
{
	int nothing = open("/dev/null", O_RDWR);

	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(quiet ? nothing : STDERR_FILENO, STDOUT_FILENO) < 0 ||
		(quiet && dup2(nothing, STDERR_FILENO) < 0))
		_exit(STATUS_MISSING - 1);
	execvp(arguments[0], (char *const *)(uintptr_t)arguments); /* declared without const for the sake of old C */
	_exit(errno == ENOENT ? STATUS_MISSING : STATUS_MISSING - 1);
}

int program_run(const char *const arguments[], bool quiet)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return PROGRAM_FAILED;
	if (child == 0)
		become(arguments, quiet);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return PROGRAM_FAILED;
	if (!WIFEXITED(status))
		return PROGRAM_FAILED;
	return WEXITSTATUS(status) == STATUS_MISSING ? PROGRAM_MISSING : WEXITSTATUS(status);
}
