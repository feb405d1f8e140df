/* SPDX-License-Identifier: Apache-2.0 */
/* verb_validate.c - `spantoll validate`: all that is wrong with a configuration, nothing started.
 */
#include <stdio.h>

#include "cmd/spantoll/findings_json.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/tls_rules.h"
#include "cmd/spantoll/verb.h"

static int check_files(const struct toll_config *config, struct toll_findings *findings)
{
	toll_tls_rules_check(config, findings);
	toll_findings_sort(findings);
	return findings->errors ? TOLL_ECONFIG : 0;
}

int toll_verb_validate(int argc, char **argv)
{
	struct toll_setup_flags flags = { 0 };
	bool json = false;
	const struct toll_option options[] = {
		TOLL_SETUP_OPTIONS(&flags),
		{ "json", NULL, "findings as JSON on stdout", .flag = &json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"validate", "[FILE...]",
		"Checks a configuration and tells everything that is wrong with it, each with "
		"file,\n"
		"line, column and the path of the setting. Certificates and keys are read; "
		"nothing\n"
		"else is opened, nothing is started.\n",
		"Exit status: 0 it can be run (there may be warnings), 3 it cannot.\n", options
	};
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	struct toll_config_source source;
	int rest, err, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	rc = toll_setup_take_rest(&flags, "validate", argc, argv, rest);
	if (rc >= 0)
		return rc;
	source = toll_setup_source(&flags);
	err = toll_setup_load(&source, &config, &findings);
	if (!err)
		err = check_files(config, &findings);
	if (json)
		toll_findings_json(&findings);
	else
		toll_setup_explain(&findings);
	if (!err && !json)
		printf("%s: valid\n", config->file);
	toll_findings_release(&findings);
	toll_config_free(config);
	return err < 0 ? TOLL_EXIT_CONFIG : TOLL_EXIT_OK;
}
