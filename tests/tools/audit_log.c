/* SPDX-License-Identifier: Apache-2.0 */
/* audit_log.c - appends records to an audit log as fast as it can, until it is killed: after each
 * line that is on disk its number goes to standard output. audit_log PATH MAX_MEGABYTES [COUNT] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "budget/audit_log.h"

int main(int argc, char **argv)
{
	struct toll_audit_config conf = { .max_backups = 0 };
	struct toll_audit_log *log;
	struct toll_error why = { 0 };
	static char object[4096];
	uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
	int err;

	if (argc < 3)
		return 2;
	conf.path = toll_slice_str(argv[1]);
	conf.max_megabytes = strtol(argv[2], NULL, 10);
	err = toll_audit_log_new(&conf, &log, &why);
	for (uint64_t i = 0; i < count && !err; i++) {
		int len = snprintf(object, sizeof(object), "{\"n\":%" PRIu64 ",\"pad\":\"%0*d\"}",
		                   i, (int)(i * 797 % 4000), 0);

		err = toll_audit_log_append(log, toll_slice(object, (size_t)len), &why);
		if (!err && (printf("%" PRIu64 "\n", toll_audit_log_state(log)->last.seq) < 0 ||
		             fflush(stdout)))
			break;
	}
	if (err)
		fprintf(stderr, "%s\n", why.text);
	toll_audit_log_free(log);
	return err ? 1 : 0;
}
