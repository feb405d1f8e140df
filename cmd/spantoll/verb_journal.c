/* SPDX-License-Identifier: Apache-2.0 */
/* verb_journal.c - `spantoll journal <verb>`: the verbs are those of journal_verbs.def. */
#include "base/macro.h"
#include "cmd/spantoll/journal_verb.h"
#include "cmd/spantoll/verb_group.h"

static const struct toll_verb verbs[] = {
#define TOLL_JOURNAL_VERB(name, function, help) { name, function, help },
#include "cmd/spantoll/journal_verbs.def"
};

int toll_verb_journal(int argc, char **argv)
{
	static const struct toll_verb_group group = {
		.name = "journal",
		.args = "DIRECTORY",
		.about = "Looks at the journal of a pipeline: the log on disk that holds what was\n"
			 "acknowledged until every exporter has it. Nothing is written; it works "
			 "beside the\n"
			 "daemon that has it, and on a copy of the directory.\n",
		.ending = "spantoll journal <verb> --help tells the flags of a verb; "
			  "docs/operations.md, \"The\n"
			  "journal\", what to do with what they say.\n",
		.verbs = verbs,
		.count = TOLL_COUNT(verbs),
	};

	return toll_verb_group_run(&group, argc, argv);
}
