/* SPDX-License-Identifier: Apache-2.0 */
/* audit_files.h - the files of one audit log: audit.jsonl, and beside it those that were full,
 * audit-<seq>.jsonl, named after their first line, so that their order needs no clock. */
#ifndef TOLL_BUDGET_AUDIT_FILES_H
#define TOLL_BUDGET_AUDIT_FILES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct toll_audit_path {
	char folder[PATH_MAX]; /* with its slash; "./" for none */
	char stem[NAME_MAX + 1], extension[NAME_MAX + 1];
};

/* All of these: 0 or an errno value. */
int toll_audit_path_split(const char *path, struct toll_audit_path *ret) TOLL_MUST_CHECK;
/* buf: PATH_MAX. */
int toll_audit_backup_path(const struct toll_audit_path *p, uint64_t first_seq,
                           char *buf) TOLL_MUST_CHECK;

struct toll_audit_backups {
	uint64_t *at; /* first lines, rising */
	size_t count;
};

int toll_audit_backups_list(const struct toll_audit_path *p,
                            struct toll_audit_backups *ret) TOLL_MUST_CHECK;
void toll_audit_backups_release(struct toll_audit_backups *b);

/* Removes the oldest ones beyond `keep`; 0: keeps all. */
int toll_audit_backups_prune(const struct toll_audit_path *p, size_t keep) TOLL_MUST_CHECK;

/* A name that came or went lasts from here on. */
int toll_audit_folder_sync(const struct toll_audit_path *p) TOLL_MUST_CHECK;

#endif
