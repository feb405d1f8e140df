/* SPDX-License-Identifier: Apache-2.0 */
/* verb_prices.c - `spantoll prices <verb>`: the verbs are those of prices_verbs.def. */
#include "base/macro.h"
#include "cmd/spantoll/prices_verb.h"
#include "cmd/spantoll/verb_group.h"

static const struct toll_verb verbs[] = {
#define TOLL_PRICES_VERB(name, function, help) { name, function, help },
#include "cmd/spantoll/prices_verbs.def"
};

int toll_verb_prices(int argc, char **argv)
{
	static const struct toll_verb_group group = {
		.name = "prices",
		.args = "[FILE...]",
		.about = "Reads price documents and shows what they say. A FILE is a document in "
			 "YAML or JSON,\n"
			 "\"catalogue\" for the prices that ship with the program, or "
			 "\"catalogue:SECTION\" for a\n"
			 "part of them. Later files lie over earlier ones.\n",
		.ending = "spantoll prices <verb> --help tells the flags of a verb; docs/prices.md "
			  "tells the format.\n",
		.verbs = verbs,
		.count = TOLL_COUNT(verbs),
	};

	return toll_verb_group_run(&group, argc, argv);
}
