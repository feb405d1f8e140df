/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - the paths of the API: share/openapi.yaml describes them, a test compares. */
#include <string.h>

#include "extensions/admin/admin.h"

const struct toll_admin_route toll_admin_routes[] = {
	{ "GET", "/v1/throttle", true, toll_admin_answer_throttle },
	{ "GET", "/v1/throttle/{service}", true, toll_admin_answer_throttle },
	{ NULL, "/v1/authz", true, toll_admin_answer_authz },
	{ NULL, "/v1/authz/{path}", true, toll_admin_answer_authz },
	{ "GET", "/v1/spend", false, toll_admin_answer_spend },
	{ "GET", "/v1/budgets", false, toll_admin_answer_budgets },
	{ "PUT", "/v1/budgets/{name}", false, toll_admin_put_budget },
	{ "DELETE", "/v1/budgets/{name}", false, toll_admin_delete_budget },
	{ "PUT", "/v1/overrides/{subject}", false, toll_admin_put_override },
	{ "DELETE", "/v1/overrides/{subject}", false, toll_admin_delete_override },
	{ "GET", "/v1/kill", false, toll_admin_answer_kill },
	{ "PUT", "/v1/kill", false, toll_admin_put_kill },
	{ "GET", "/v1/audit", false, toll_admin_answer_audit },
};
const unsigned toll_admin_route_count = TOLL_COUNT(toll_admin_routes);

/* {...} is the rest of the path, with slashes. One that is empty is nobody's name, but for authz:
 * there it is the path of another request. */
static bool has_path(const struct toll_admin_route *r, const char *path, struct toll_slice *ret)
{
	size_t len = strcspn(r->path, "{");

	*ret = toll_slice(NULL, 0);
	if (!r->path[len])
		return strcmp(path, r->path) == 0;
	if (strncmp(path, r->path, len) != 0 || (r->method && !path[len]))
		return false;
	*ret = toll_slice_str(path + len);
	return true;
}

static bool has_method(const struct toll_admin_route *r, const char *method)
{
	return !r->method || strcmp(r->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

static const char *allowed(bool get, bool put, bool delete)
{
	static const char *const lists[] = {
		"",       "GET, HEAD",         "PUT",         "GET, HEAD, PUT",
		"DELETE", "GET, HEAD, DELETE", "PUT, DELETE", "GET, HEAD, PUT, DELETE"
	};

	return lists[get + 2 * put + 4 * delete];
}

static bool is_method(const struct toll_admin_route *r, const char *method)
{
	return strcmp(r->method, method) == 0;
}

static void refuse_method(struct toll_admin_request *q)
{
	bool get = false, put = false, delete = false;
	struct toll_slice rest;

	for (unsigned i = 0; i < toll_admin_route_count; i++) {
		const struct toll_admin_route *r = &toll_admin_routes[i];

		if (!has_path(r, q->in->path, &rest))
			continue;
		get |= is_method(r, "GET");
		put |= is_method(r, "PUT");
		delete |= is_method(r, "DELETE");
	}
	toll_http_add_header(&q->out, "Allow", allowed(get, put, delete));
	toll_admin_refuse(q, 405, "%.16s is not for this path: use %s", q->in->method,
	                  allowed(get, put, delete));
}

const struct toll_admin_route *toll_admin_find_route(struct toll_admin_request *q)
{
	bool known = false;

	for (unsigned i = 0; i < toll_admin_route_count; i++) {
		const struct toll_admin_route *r = &toll_admin_routes[i];

		if (!has_path(r, q->in->path, &q->rest))
			continue;
		known = true;
		if (has_method(r, q->in->method))
			return r;
	}
	if (known)
		refuse_method(q);
	else
		toll_admin_refuse(q, 404,
		                  "there is no such path: /v1/throttle/{service}, /v1/authz, "
		                  "/v1/spend, /v1/budgets, /v1/overrides/{subject}, /v1/kill, "
		                  "/v1/audit");
	return NULL;
}
