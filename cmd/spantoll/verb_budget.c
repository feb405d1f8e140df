/* SPDX-License-Identifier: Apache-2.0 */
/* verb_budget.c - `spantoll budget <verb>`: the verbs are those of budget_verbs.def. */
#include "base/macro.h"
#include "cmd/spantoll/budget_verb.h"
#include "cmd/spantoll/verb_group.h"

static const struct toll_verb verbs[] = {
#define TOLL_BUDGET_VERB(name, function, help) { name, function, help },
#include "cmd/spantoll/budget_verbs.def"
};

int toll_verb_budget(int argc, char **argv)
{
	static const struct toll_verb_group group = {
		.name = "budget",
		.args = "",
		.about = "Shows and changes the budgets of a running fleet: asks one daemon, whose "
			 "extension admin\n"
			 "answers; what is changed holds for all daemons on the same Redis.\n",
		.ending = "spantoll budget <verb> --help tells the flags of a verb; "
			  "extensions/admin/README.md tells\n"
			  "the HTTP API behind it.\n",
		.verbs = verbs,
		.count = TOLL_COUNT(verbs),
	};

	return toll_verb_group_run(&group, argc, argv);
}
