/* SPDX-License-Identifier: Apache-2.0 */
/* verb.h - what `spantoll <verb>` can do: the list is verbs.def, each verb is a file verb_<name>.c.
 */
#ifndef TOLL_CMD_VERB_H
#define TOLL_CMD_VERB_H

struct toll_verb {
	const char *name;
	int (*main)(int argc, char **argv); /* argv[0] is the verb; returns an enum toll_exit */
	const char *help;
};

#define TOLL_VERB(name, symbol, help) int toll_verb_##symbol(int argc, char **argv);
#include "cmd/spantoll/verbs.def"

#endif
