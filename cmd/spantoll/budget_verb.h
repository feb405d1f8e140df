/* SPDX-License-Identifier: Apache-2.0 */
/* budget_verb.h - what the verbs of `spantoll budget` share: which daemon they ask, and how. */
#ifndef TOLL_CMD_BUDGET_VERB_H
#define TOLL_CMD_BUDGET_VERB_H

#include <stdbool.h>

#include "base/slice.h"
#include "cmd/spantoll/options.h"

struct json_object;

#define TOLL_BUDGET_VERB(name, function, help) int function(int argc, char **argv);
#include "cmd/spantoll/budget_verbs.def"

#define TOLL_ADMIN_ENDPOINT "localhost:8080" /* the extension's default */

/* The daemon that is asked; TOLL_BUDGET_FLAGS_INIT to begin with. */
struct toll_budget_flags {
	const char *endpoint, *token_file, *ca_file;
	bool json;
};

#define TOLL_BUDGET_FLAGS_INIT                   \
	{                                        \
		.endpoint = TOLL_ADMIN_ENDPOINT, \
	}

/* clang-format off */
#define TOLL_BUDGET_OPTIONS(flags)                                                                 \
	{ "endpoint", "HOST:PORT", "extension admin; also https://..., unix:/path",     \
	  .text = &(flags)->endpoint },                                                            \
	{ "token-file", "FILE", "a token to show, where the extension has auth",                    \
	  .text = &(flags)->token_file },                                                          \
	{ "ca-file", "FILE", "who signed the daemon's certificate, PEM",  \
	  .text = &(flags)->ca_file },                                                             \
	{ "json", NULL, "for programs", .flag = &(flags)->json }
/* clang-format on */

struct toll_budget_question {
	const char *verb; /* "budget list", for sentences */
	const char *method, *path;
	const char *body; /* JSON; NULL: none */
};

/* Asks; problems are told on stderr with what to do about them. An enum toll_exit; TOLL_EXIT_OK:
 * *ret is the answer, the caller's to put back (json_object_put). */
int toll_budget_ask(const struct toll_budget_flags *f, const struct toll_budget_question *q,
                    struct json_object **ret);

/* prefix, then text, and ?argument=value unless argument is NULL or value "": malloc'ed; what is
 * not plain in a path goes as %XX. NULL: out of memory. */
char *toll_budget_path(const char *prefix, const char *text, const char *argument,
                       const char *value);
/* What this machine calls who asks; "" when it does not know. */
const char *toll_budget_user(void);

/* "out of memory" on stderr; TOLL_EXIT_FAILED. */
int toll_budget_no_memory(const char *verb);

#endif
