/* SPDX-License-Identifier: Apache-2.0 */
/* http_route.c - the service of those who only have a table of paths. */
#include <string.h>

#include "net/http_private.h"

static bool route_matches(const struct toll_http_route *r, const char *path)
{
	size_t len = strlen(r->path);

	if (strcmp(r->path, path) == 0)
		return true;
	return len > 1 && r->path[len - 1] == '/' && strncmp(r->path, path, len) == 0;
}

/* *ret_other_method: some route has this path, but for another method. */
static const struct toll_http_route *find_route(const struct toll_http_settings *set,
                                                const struct toll_http_request *q,
                                                const char **ret_other_method)
{
	const struct toll_http_route *best = NULL;

	for (size_t i = 0; i < set->route_count; i++) {
		const struct toll_http_route *r = &set->routes[i];

		if (!route_matches(r, q->path))
			continue;
		if (strcmp(r->method, q->method) != 0)
			*ret_other_method = r->method;
		else if (!best || strlen(r->path) > strlen(best->path))
			best = r;
	}
	return best;
}

static void answer(const struct toll_http_server *s, const struct toll_http_request *q,
                   struct toll_http_response *r)
{
	const char *other = NULL;
	const struct toll_http_route *route = find_route(&s->set, q, &other);

	if (route) {
		route->handle(route->ctx, q, r);
		return;
	}
	r->status = other ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
	toll_http_printf(r, other ? "method not allowed: use %s\n" : "not found\n", other);
	if (other)
		toll_http_add_header(r, MHD_HTTP_HEADER_ALLOW, other);
}

static void refuse(int error, struct toll_http_response *r)
{
	r->status =
		error == TOLL_ETOOBIG ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_SERVICE_UNAVAILABLE;
	toll_http_printf(r, "%s\n", error == TOLL_ETOOBIG ? "body too large" : "out of memory");
}

static bool admit(void *ctx TOLL_UNUSED, struct toll_http_call *c, struct toll_http_response *r)
{
	int error = toll_http_call_request(c)->error;

	if (error)
		refuse(error, r);
	return !error;
}

static void serve(void *ctx, struct toll_http_call *c)
{
	struct toll_http_request q = *toll_http_call_request(c);
	struct toll_http_response r = { .status = MHD_HTTP_OK };

	if (strcmp(q.method, MHD_HTTP_METHOD_HEAD) == 0)
		q.method = MHD_HTTP_METHOD_GET;
	if (q.error)
		refuse(q.error, &r);
	else
		answer(ctx, &q, &r);
	toll_http_answer(c, &r);
}

const struct toll_http_service toll_http_routes = { admit, serve, NULL };
