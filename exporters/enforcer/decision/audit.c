/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/decision/audit.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

int toll_audit_prepare(struct toll_audit *a, const struct toll_audit_config *conf,
                       struct toll_error *reterr)
{
	a->log = NULL;
	a->open = a->broken = false;
	a->torn_bytes = 0;
	a->prune_errno = 0;
	return conf->path.len ? toll_audit_log_new(conf, &a->log, reterr) : 0;
}

void toll_audit_close(struct toll_audit *a)
{
	a->log = toll_audit_log_free(a->log);
}

/* What the log found and could not say itself. */
static void tell_state(struct toll_audit *a)
{
	const struct toll_audit_state *now = toll_audit_log_state(a->log);
	uint64_t torn = now->torn_bytes - a->torn_bytes;

	if (torn) {
		toll_counter_add(a->counters, TOLL_COUNTER_AUDIT_TORN, torn);
		TOLL_WARN(a->who,
		          "the audit log ended in the middle of a line, %" PRIu64
		          " bytes were cut off: a crash",
		          torn);
	}
	a->torn_bytes = now->torn_bytes;
	if (now->prune_errno && now->prune_errno != a->prune_errno)
		TOLL_WARN(a->who, "an old audit log cannot be removed: %s",
		          strerror(now->prune_errno));
	a->prune_errno = now->prune_errno;
}

static int conclude(struct toll_audit *a, int err, const struct toll_error *why)
{
	tell_state(a);
	if (err) {
		toll_counter_add(a->counters, TOLL_COUNTER_AUDIT_FAILURES, 1);
		if (!a->broken)
			TOLL_WARN(a->who, "audit::path: %s; no flag is set until it can be written",
			          why->text);
	}
	a->open = true;
	a->broken = err != 0;
	return err;
}

void toll_audit_look(struct toll_audit *a, uint64_t now_mono_ns)
{
	struct toll_error why;

	if (!toll_audit_is_kept(a) || (a->open && (!a->broken || now_mono_ns < a->look_at)))
		return;
	a->look_at = now_mono_ns + TOLL_S;
	conclude(a, toll_audit_log_open(a->log, &why), &why);
}

int toll_audit_write(struct toll_audit *a, struct toll_slice json)
{
	struct toll_error why;

	if (!toll_audit_is_kept(a))
		return 0;
	return conclude(a, toll_audit_log_append(a->log, json, &why), &why);
}
