/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - the enforcer's local audit log (budget/audit_log.h): a pending line is on disk before a
 * commit that sets or clears a flag, done or superseded follows. Without a line no flag is set. */
#ifndef TOLL_ENFORCER_AUDIT_H
#define TOLL_ENFORCER_AUDIT_H

#include "budget/audit_log.h"
#include "budget/event.h"
#include "exporters/enforcer/counters.h"

struct toll_audit {
	struct toll_audit_log *log; /* NULL: none is configured */
	struct toll_counters *counters;
	const char *who;
	bool open;           /* it was opened, or tried */
	bool broken;         /* it could not be opened, or the last line not be written */
	uint64_t look_at;    /* mono ns; when broken: the next try */
	uint64_t torn_bytes; /* what has been told of the log's state */
	int prune_errno;
};

/* From a configuration; without a path there is no log. Touches no file. */
int toll_audit_prepare(struct toll_audit *a, const struct toll_audit_config *conf,
                       struct toll_error *reterr) TOLL_MUST_CHECK;
static inline bool toll_audit_is_kept(const struct toll_audit *a)
{
	return a && a->log;
}

/* Call now and then while decisions are made: opens the log, so that a wrong path is told before
 * the first flag; one that is broken is tried again every second. a may be NULL. */
void toll_audit_look(struct toll_audit *a, uint64_t now_mono_ns);
/* Whoever has the turn next writes it. Legal twice. */
void toll_audit_close(struct toll_audit *a);

/* 0 where there is no log. Failures are counted, and told once until it works again. a may be NULL.
 */
int toll_audit_write(struct toll_audit *a, struct toll_slice json) TOLL_MUST_CHECK;

#endif
