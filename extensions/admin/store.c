/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/admin/store.h"

#include <stdio.h>

#include "extensions/admin/admin.h"
#include "extensions/admin/show.h"
#include "pipeline/host.h"

struct toll_budget_control *toll_admin_hold(struct toll_admin_request *q)
{
	const struct toll_slice id = q->admin->config->enforcer;
	struct toll_budget_control *c =
		toll_host_hold(q->admin->super.super.host, "budgets", toll_text_or_null(id));

	if (!c)
		toll_admin_fail(q, TOLL_EDOWN,
		                "no enforcer runs here: put the exporter enforcer into a pipeline");
	return c;
}

void toll_admin_drop(struct toll_admin_request *q, struct toll_budget_control *c)
{
	toll_host_drop(q->admin->super.super.host, c);
}

void toll_admin_say(struct toll_admin_request *q, const char *name, struct toll_slice value,
                    const char *rest)
{
	FILE *out = open_memstream(&q->out.body, &q->out.len);

	if (!out) {
		toll_admin_fail(q, TOLL_ENOMEM, "out of memory");
		return;
	}
	fprintf(out, "{\"%s\":", name);
	toll_admin_put_text(out, value);
	fprintf(out, "%s}\n", rest);
	if (fclose(out)) {
		toll_admin_fail(q, TOLL_ENOMEM, "out of memory");
		return;
	}
	q->out.content_type = "application/json";
	toll_admin_count(q->admin, TOLL_ADMIN_DONE);
}

void toll_admin_say_kill(struct toll_admin_request *q, bool on, const char *by)
{
	toll_admin_say(q, "by", toll_slice_str(by), on ? ",\"on\":true" : ",\"on\":false");
}
