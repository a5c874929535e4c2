/*
 * The rewriting actions of actions.def, applied to one message.
 *
 * Pure.  Which of them apply follows from side, mode and method; each looks for its fields by the message's bits
 * before it does anything.  Fields that a request signature names are left alone, and that is noted in the state.
 */
#ifndef FRESHET_POLICY_ACTIONS_H
#define FRESHET_POLICY_ACTIONS_H

#include "policy/policy.h"

/* Everything an action may look at; all borrowed. */
struct action_run {
	struct policy_state *state;    /* its mode is not off */
	const struct message *request;
	struct message *message;       /* the one to edit: the request or its response */
	struct arena *arena;           /* values that are not constant are made here */
	int64_t now_s;                 /* wall time; responses only */
};

void actions_edit_request(struct action_run *run);
void actions_edit_response(struct action_run *run);

#endif
