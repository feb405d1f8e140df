/* SPDX-License-Identifier: Apache-2.0 */
/* budget_audit.c - `spantoll budget audit --verify FILE`: does an audit log still say what was
 * written? Reads the files alone; no daemon is asked. */
#include <inttypes.h>
#include <stdio.h>

#include "budget/audit_log.h"
#include "cmd/spantoll/budget_verb.h"
#include "cmd/spantoll/json_text.h"

#define VERB "budget audit"

static void print_json(const struct toll_audit_report *r)
{
	printf("{\"whole\":%s,\"files\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"first_seq\":%" PRIu64
	       ",\"last_seq\":%" PRIu64 ",\"last_hash\":\"%s\",\"unfinished_bytes\":%" PRIu64,
	       r->broken ? "false" : "true", r->files, r->lines, r->first_seq, r->last.seq,
	       r->last.hash, r->torn_bytes);
	if (r->broken) {
		fputs(",\"broken\":{\"file\":", stdout);
		toll_json_print(stdout, r->file);
		printf(",\"line\":%" PRIu64 ",\"why\":", r->line);
		toll_json_print(stdout, r->why);
		putchar('}');
	}
	puts("}");
}

static void print_lines(const struct toll_audit_report *r)
{
	printf("%" PRIu64 " line%s in %" PRIu64 " file%s", r->lines, TOLL_PLURAL(r->lines),
	       r->files, TOLL_PLURAL(r->files));
	if (r->lines)
		printf(", seq %" PRIu64 " to %" PRIu64, r->first_seq, r->last.seq);
}

static void print_text(const struct toll_audit_report *r)
{
	if (r->broken) {
		printf("%s:%" PRIu64 ": %s\nBefore it, ", r->file, r->line, r->why);
		print_lines(r);
		puts(" hold.");
		return;
	}
	fputs("Whole: ", stdout);
	print_lines(r);
	puts(".");
	if (r->first_seq > 1)
		puts("What was before that is in files that are gone: the first line is believed.");
	if (r->torn_bytes)
		printf("An unfinished line of %" PRIu64
		       " bytes at the end: one in the making, or a crash; "
		       "the daemon\ncuts it off when it opens the file.\n",
		       r->torn_bytes);
	if (r->lines)
		printf("The last hash is %s.\nLines cut off the end leave no trace in the file: "
		       "keep this "
		       "hash elsewhere and look for it next time.\n",
		       r->last.hash);
}

static int verify(const char *file, bool json)
{
	struct toll_audit_report report;
	struct toll_error why;

	if (toll_audit_verify(file, &report, &why) < 0) {
		fprintf(stderr, "spantoll " VERB ": %s\n", why.text);
		return TOLL_EXIT_FAILED;
	}
	if (json)
		print_json(&report);
	else
		print_text(&report);
	return report.broken ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

int toll_budget_verb_audit(int argc, char **argv)
{
	const char *file = NULL;
	bool json = false;
	const struct toll_option options[] = {
		{ "verify", "FILE",
		  "the audit log, as audit::path names it; older files beside it are read first",
		  .text = &file },
		{ "json", NULL, "for programs", .flag = &json },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		VERB, NULL,
		"Checks the hashes that chain the lines of an audit log to each other, over all "
		"its "
		"files,\nand tells the first line that was changed, taken out, put in or moved. "
		"Reads beside a daemon\nthat writes.\n",
		"Exit status: 0 the log is whole, 1 it is broken or cannot be read.\n", options
	};
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	if (!file) {
		fputs("spantoll " VERB ": --verify FILE is missing\n", stderr);
		return TOLL_EXIT_USAGE;
	}
	return verify(file, json);
}
