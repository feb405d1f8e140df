/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - refusals and failures as everybody is told them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "extensions/admin/admin.h"
#include "proto/json_write.h"

void toll_admin_count(struct toll_admin *a, enum toll_admin_outcome o)
{
	atomic_fetch_add_explicit(&a->counts->by[o], 1, memory_order_relaxed);
}

static enum toll_admin_outcome outcome_of(unsigned status)
{
	if (status == 401 || status == 403)
		return TOLL_ADMIN_DENIED;
	return status >= 500 ? TOLL_ADMIN_FAILED : TOLL_ADMIN_REFUSED;
}

void toll_admin_refuse(struct toll_admin_request *q, unsigned status, const char *fmt, ...)
{
	char json[6 * sizeof(q->error) + 2], *end;
	va_list args;

	va_start(args, fmt);
	vsnprintf(q->error, sizeof(q->error), fmt, args);
	va_end(args);
	end = toll_json_string(json, toll_slice_str(q->error));
	q->out.status = status;
	q->out.content_type = "application/json";
	toll_http_printf(&q->out, "{\"error\":%.*s}\n", (int)(end - json), json);
	toll_admin_count(q->admin, outcome_of(status));
}

static void come_again(struct toll_admin_request *q)
{
	toll_http_add_header(&q->out, "Retry-After", "1");
}

void toll_admin_fail(struct toll_admin_request *q, int err, const char *why)
{
	switch (err) {
	case TOLL_EINVALID:
	case TOLL_ETOOBIG:
		toll_admin_refuse(q, 400, "%s", why);
		break;
	case TOLL_EREFUSED:
		toll_admin_refuse(q, 502, "%s", why);
		break;
	case TOLL_ETIMEOUT:
		toll_admin_refuse(q, 504, "%s", why);
		break;
	default:
		come_again(q);
		toll_admin_refuse(q, 503, "%s", why);
	}
}
