/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/audit.h"

#include "base/log.h"

int toll_audit_prepare(struct toll_audit *a, const struct toll_audit_config *conf,
                       struct toll_error *reterr)
{
	a->log = NULL;
	return conf->path.len ? toll_audit_log_new(conf, &a->log, reterr) : 0;
}

void toll_audit_close(struct toll_audit *a)
{
	a->log = toll_audit_log_free(a->log);
}

int toll_audit_write(struct toll_audit *a, struct toll_slice json)
{
	struct toll_error error;
	int err;

	if (!a || !a->log)
		return 0;
	err = toll_audit_log_append(a->log, json, &error);
	if (err) {
		toll_counter_add(a->counters, TOLL_COUNTER_AUDIT_FAILURES, 1);
		if (!a->broken)
			TOLL_WARN(a->who, "audit log: %s; no flag is set until it can be written",
			          error.text);
	}
	a->broken = err != 0;
	return err;
}
