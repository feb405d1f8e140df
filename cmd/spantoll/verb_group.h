/* SPDX-License-Identifier: Apache-2.0 */
/* verb_group.h - a verb that has verbs of its own: `spantoll prices list`, `spantoll budget set`.
 */
#ifndef TOLL_CMD_VERB_GROUP_H
#define TOLL_CMD_VERB_GROUP_H

#include <stddef.h>

#include "cmd/spantoll/verb.h"

struct toll_verb_group {
	const char *name;   /* "prices" */
	const char *args;   /* after the verb and its flags; "" for none */
	const char *about;  /* full lines, each ending in \n */
	const char *ending; /* of --help, likewise */
	const struct toll_verb *verbs;
	size_t count;
};

/* Runs the verb that argv[1] names; an enum toll_exit. */
int toll_verb_group_run(const struct toll_verb_group *g, int argc, char **argv);

#endif
