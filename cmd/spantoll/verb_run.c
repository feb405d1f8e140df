/* SPDX-License-Identifier: Apache-2.0 */
/* verb_run.c - `spantoll run`, and `spantoll --config FILE`: the daemon. */
#include <stdio.h>

#include "base/log.h"
#include "base/version.h"
#include "cmd/spantoll/daemon.h"
#include "cmd/spantoll/log_settings.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/verb.h"

static int run(struct toll_config *config, const struct toll_config_source *source, bool watch)
{
	struct toll_daemon *daemon;
	struct toll_error error = { 0 };
	int err;

	toll_log_settings_follow(&config->telemetry);
	TOLL_INFO("spantoll", "starting version=%s config=%s", TOLL_VERSION, config->file);
	err = toll_daemon_new(config, &daemon, &error);
	if (err < 0) {
		TOLL_FAULT("spantoll", "cannot start: %s", error.text);
		return TOLL_EXIT_FAILED;
	}
	err = toll_daemon_reloads(daemon, config, source, watch);
	if (err < 0)
		TOLL_FAULT("spantoll", "cannot start: out of memory");
	else
		TOLL_INFO("spantoll", "everything is running");
	if (!err)
		err = toll_daemon_wait(daemon);
	TOLL_INFO("spantoll", "stopping: at most %d s to deliver what is queued",
	          TOLL_DAEMON_DRAIN_S);
	toll_daemon_free(daemon);
	TOLL_INFO("spantoll", "stopped");
	return err < 0 ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

int toll_verb_run(int argc, char **argv)
{
	struct toll_setup_flags flags = { 0 };
	bool no_watch = false;
	const struct toll_option options[] = {
		TOLL_SETUP_OPTIONS(&flags),
		{ "no-watch", NULL, "reload on SIGHUP only, not when a file has changed",
		  .flag = &no_watch },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"run", "[FILE...]",
		"Runs the daemon in the foreground; log lines go to stderr. SIGTERM and SIGINT "
		"deliver\n"
		"what is queued, for at most 10 s, and stop; Ctrl-C meanwhile stops at once. "
		"SIGHUP\n"
		"loads the configuration anew, as does a change of its files: spans flow on, and "
		"a\n"
		"wrong one changes nothing.\n",
		"Exit status: 0 stopped by a signal, 1 could not start (the reason names the "
		"setting),\n"
		"2 wrong usage, 3 a wrong configuration (all findings are on stderr).\n",
		options
	};
	struct toll_config *config = NULL;
	struct toll_config_source source;
	int rest, rc = toll_options_parse(&usage, argc, argv, &rest);

	if (rc >= 0)
		return rc;
	rc = toll_setup_take_rest(&flags, "run", argc, argv, rest);
	if (rc >= 0)
		return rc;
	source = toll_setup_source(&flags);
	rc = toll_setup_load_or_explain(&source, &config);
	if (rc == TOLL_EXIT_OK)
		rc = run(config, &source, !no_watch);
	toll_config_free(config);
	return rc;
}
