/* SPDX-License-Identifier: Apache-2.0 */
/* verb_version.c - `spantoll version`. */
#include <stdio.h>

#include "base/version.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/verb.h"

int toll_verb_version(int argc, char **argv)
{
	const struct toll_option options[] = { TOLL_OPTION_END };
	const struct toll_usage usage = { "version", NULL, "Prints the version.\n", NULL, options };
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	printf("spantoll %s\n", TOLL_VERSION);
	return TOLL_EXIT_OK;
}
