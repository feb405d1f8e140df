/* SPDX-License-Identifier: Apache-2.0 */
/* audit_log.h - the local audit log: lines that are on disk before append returns, each chained to
 * the one before (budget/audit_line.h), in a file that moves aside when it is full.
 *
 * What was appended stays; what was not is not there: after a failure, or a crash in the middle of
 * a line, the file is cut back to its last whole line, and the chain goes on from there, through
 * full disks, full files and restarts. One writer: a lock file beside it (path + ".lock") keeps
 * other processes, and other enforcers of this one, away. Files have mode 0600. One thread. */
#ifndef TOLL_BUDGET_AUDIT_LOG_H
#define TOLL_BUDGET_AUDIT_LOG_H

#include <limits.h>

#include "budget/audit_line.h"
#include "config/schema.h"

/* `audit:` of a configuration. */
struct toll_audit_config {
	struct toll_slice path; /* empty: there is no log */
	int64_t max_megabytes;  /* of one file, 10^6 bytes; 0: never moved aside */
	int64_t max_backups;    /* full files that are kept; 0: all */
};

extern const struct toll_field toll_audit_fields[];

struct toll_audit_log;

/* Touches no file. TOLL_EINVALID: no path for a file; TOLL_ENOMEM. The configuration may go. */
int toll_audit_log_new(const struct toll_audit_config *conf, struct toll_audit_log **ret,
                       struct toll_error *reterr) TOLL_MUST_CHECK;
/* NULL is fine. Gives the lock back. Always returns NULL. */
struct toll_audit_log *toll_audit_log_free(struct toll_audit_log *log);

/* Takes the lock and finds the end of the chain. append() does it as well; a call at start tells
 * early. TOLL_EREFUSED: somebody else has the log; TOLL_EINVALID: the file is not one, or its end
 * was changed; TOLL_EDOWN: the disk. */
int toll_audit_log_open(struct toll_audit_log *log, struct toll_error *reterr) TOLL_MUST_CHECK;

/* Returns 0 when the line is on disk. Else it is not in the log, and the next append tries
 * everything anew: the errors of open() and of toll_audit_line_write(). */
int toll_audit_log_append(struct toll_audit_log *log, struct toll_slice object,
                          struct toll_error *reterr) TOLL_MUST_CHECK;

/* For log lines and counters of the owner. */
struct toll_audit_state {
	struct toll_audit_link last;
	uint64_t size;       /* bytes of the file */
	uint64_t torn_bytes; /* cut off the ends of files found with an unfinished line, so far */
	int prune_errno;     /* why the oldest file could not be removed, lately; 0 */
};

const struct toll_audit_state *toll_audit_log_state(const struct toll_audit_log *log);

/* ---- reading it ---- */

struct toll_audit_report {
	uint64_t files, lines; /* read; lines that hold */
	uint64_t first_seq;    /* above 1: older files are gone */
	struct toll_audit_link
		last;        /* to be kept elsewhere: lines cut off the end leave no trace */
	uint64_t torn_bytes; /* an unfinished line at the very end: a crash, or one in the making */
	bool broken;         /* then the rest says where and why; lines before it hold */
	char file[PATH_MAX];
	uint64_t line; /* of that file, from 1 */
	char why[160];
};

/* The files of the log at `path`, oldest first: only those before it that are there, and `path`.
 * Reads beside a daemon that writes. TOLL_EDOWN: a file cannot be read. */
int toll_audit_verify(const char *path, struct toll_audit_report *ret,
                      struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
