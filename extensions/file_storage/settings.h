/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what a file_storage is told. */
#ifndef TOLL_EXTENSIONS_FILE_STORAGE_SETTINGS_H
#define TOLL_EXTENSIONS_FILE_STORAGE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schema.h"

struct toll_file_storage_config {
	struct toll_slice directory;
	bool create_directory;
	struct toll_slice directory_permissions;
	uint64_t max_size, segment_size; /* bytes */
	uint64_t sync_interval;          /* ns */
	int when_full;                   /* enum toll_journal_policy */
};

extern const struct toll_field toll_file_storage_fields[];

void toll_file_storage_validate(const void *config, struct toll_reporter *r);

/* "0750" -> 0750; negative: no octal number of at most four digits. */
int toll_file_storage_mode(struct toll_slice permissions);

#endif
