/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - what becomes of a request: its route, whether it may, and who answers it where. */
#include <string.h>

#include "extensions/admin/admin.h"
#include "extensions/admin/guard.h"

static struct toll_admin_request *request_of(struct toll_admin *a, struct toll_http_call *c)
{
	struct toll_admin_request *q = toll_http_call_data(c);

	q->admin = a;
	q->in = toll_http_call_request(c);
	q->out.status = 200;
	return q;
}

static void answer(struct toll_http_call *c, struct toll_admin_request *q)
{
	toll_http_answer(c, &q->out);
}

/* Nothing of what is answered is worth keeping, and browsers are not to guess what it is. */
static const struct toll_http_header headers[] = { { "Cache-Control", "no-store" },
	                                           { "X-Content-Type-Options", "nosniff" } };

static bool is_quick(const struct toll_admin_request *q)
{
	return q->route && q->route->quick;
}

/* Questions of meshes never need a body: of a request that is sent on with one, it is not kept. */
static bool admit(void *ctx, struct toll_http_call *c, struct toll_http_response *r)
{
	struct toll_admin_request *q = request_of(ctx, c);

	q->route = toll_admin_find_route(q);
	if (is_quick(q))
		q->route->answer(q);
	else if (q->route && q->in->error == TOLL_ETOOBIG)
		toll_admin_refuse(q, 413, "the body is larger than %d bytes", TOLL_ADMIN_BODY_MAX);
	else if (q->route)
		return true;
	*r = q->out;
	return false;
}

static void serve_at_desk(void *ctx TOLL_UNUSED, struct toll_http_call *c, bool in_time)
{
	struct toll_admin_request *q = toll_http_call_data(c);

	if (!in_time)
		toll_admin_fail(q, TOLL_ESHUTDOWN, "the extension ends");
	else if (toll_admin_let_in(q))
		q->route->answer(q);
	answer(c, q);
}

static void serve(void *ctx, struct toll_http_call *c)
{
	struct toll_admin *a = ctx;
	struct toll_admin_request *q = toll_http_call_data(c);

	if (q->in->error) {
		if (q->in->error == TOLL_ETOOBIG)
			toll_admin_refuse(q, 413, "the body is larger than %d bytes",
			                  TOLL_ADMIN_BODY_MAX);
		else
			toll_admin_fail(q, q->in->error, "the process is at its memory limit");
	} else if (toll_admin_desk_take(&a->desk, c)) {
		return;
	} else {
		toll_admin_fail(q, TOLL_EFULL, "too many requests wait already");
	}
	answer(c, q);
}

void toll_admin_serve_init(struct toll_admin *a)
{
	a->service = (struct toll_http_service){ admit, serve, a };
	a->headers = headers;
	a->header_count = TOLL_COUNT(headers);
	toll_admin_desk_init(&a->desk, serve_at_desk, a);
}
