/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - the Collector's names and defaults, and ours: max_size, segment_size,
 * sync_interval, when_full. */
#include "extensions/file_storage/settings.h"

#include "base/clock.h"

#define CONFIG     struct toll_file_storage_config
#define BLOCK      4096 /* of a journal */
#define SEGMENT_LO INT64_C(65536)
#define SEGMENT_HI (INT64_C(1) << 30)

static const char *const policies[] = { "refuse", "drop_oldest", NULL };

const struct toll_field toll_file_storage_fields[] = {
	TOLL_FIELD(CONFIG, directory, STRING, "/var/lib/otelcol/file_storage",
	           "Where journals are, one directory per pipeline; nobody else's."),
	TOLL_FIELD(CONFIG, create_directory, BOOL, "true",
	           "Make the directory where it is missing."),
	TOLL_FIELD(CONFIG, directory_permissions, STRING, "0750",
	           "Of a directory that is made, octal; the umask is taken off."),
	TOLL_FIELD(CONFIG, max_size, SIZE, "1GiB", "Most bytes of one pipeline's journal on disk.",
	           .min = 2 * SEGMENT_LO, .max = INT64_MAX),
	TOLL_FIELD(CONFIG, segment_size, SIZE, "32MiB",
	           "Of one file, reserved as a whole; no request may be larger.", .min = SEGMENT_LO,
	           .max = SEGMENT_HI),
	TOLL_FIELD(CONFIG, sync_interval, DURATION, "2ms",
	           "Requests that come in it are synced together; 256 KiB are synced at once.",
	           .max = TOLL_S),
	TOLL_FIELD(
		CONFIG, when_full, ENUM, "refuse",
		"refuse: clients hear to come again; drop_oldest: what has waited longest is lost "
		"and counted.",
		.choices = policies),
	TOLL_FIELD_LATER("timeout", "the lock on a journal is never waited for: a directory that "
	                            "another process has stops the start"),
	TOLL_FIELD_LATER("fsync", "everything is synced before it is acknowledged"),
	TOLL_FIELD_LATER("recreate", "a journal that is damaged goes on with all that is intact"),
	TOLL_FIELD_LATER("compaction", "there is nothing to compact: files that are done with are "
	                               "used again, or go"),
	TOLL_FIELD_END,
};

int toll_file_storage_mode(struct toll_slice permissions)
{
	int mode = 0;

	if (!permissions.len || permissions.len > 4)
		return -1;
	for (size_t i = 0; i < permissions.len; i++) {
		if (permissions.ptr[i] < '0' || permissions.ptr[i] > '7')
			return -1;
		mode = mode * 8 + (permissions.ptr[i] - '0');
	}
	return mode;
}

void toll_file_storage_validate(const void *config, struct toll_reporter *r)
{
	const CONFIG *c = config;
	int mode = toll_file_storage_mode(c->directory_permissions);

	if (!c->directory.len)
		toll_report_error(r, "directory", "must not be empty");
	if (mode < 0)
		toll_report_error(r, "directory_permissions",
		                  "must be an octal number such as \"0750\"");
	else if (~mode & 0700)
		toll_report_error(r, "directory_permissions",
		                  "must let the owner read, write and enter it (07..)");
	if (c->segment_size % BLOCK)
		toll_report_error(r, "segment_size", "must be a multiple of 4KiB");
	if (c->max_size / 2 < c->segment_size)
		toll_report_error(r, "max_size",
		                  "must be at least two segments (segment_size: %llu bytes)",
		                  (unsigned long long)c->segment_size);
}
