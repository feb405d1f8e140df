/* SPDX-License-Identifier: Apache-2.0 */
/* verb_featuregate.c - `spantoll featuregate [ID]`: the Collector's verb; there are no gates here.
 */
#include <stdio.h>

#include "cmd/spantoll/options.h"
#include "cmd/spantoll/verb.h"

int toll_verb_featuregate(int argc, char **argv)
{
	const struct toll_option options[] = { TOLL_OPTION_END };
	const struct toll_usage usage = {
		"featuregate", "[ID]",
		"Lists feature gates as the OpenTelemetry Collector does: there are none here.\n",
		"Exit status: 0, or 1 for an ID.\n", options
	};
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	if (rest < argc) {
		fprintf(stderr,
		        "spantoll featuregate: feature \"%s\" not found: there are no feature "
		        "gates "
		        "here\n",
		        argv[rest]);
		return TOLL_EXIT_FAILED;
	}
	puts("ID\tEnabled\tStage\tDescription");
	return TOLL_EXIT_OK;
}
