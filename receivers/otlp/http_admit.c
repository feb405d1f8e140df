/* SPDX-License-Identifier: Apache-2.0 */
/* http_admit.c - with the headers, before any of the body: who may go on. */
#include <string.h>

#include "receivers/otlp/http.h"

enum { INVALID_ARGUMENT = 3, NOT_FOUND = 5, UNIMPLEMENTED = 12 };

static struct toll_otlp_refusal for_good(unsigned status, int code, const char *why)
{
	return (struct toll_otlp_refusal){ status, code, why, false };
}

/* ---- the request line and the headers ---- */

/* The Collector's paths of what it receives and we do not. */
static bool is_other_signal(const char *path)
{
	return strcmp(path, "/v1/metrics") == 0 || strcmp(path, "/v1/logs") == 0 ||
	       strcmp(path, "/v1development/profiles") == 0;
}

static bool is_preflight(const struct toll_otlp_http *h, const struct toll_http_request *in)
{
	return toll_otlp_cors_on(&h->cors) && strcmp(in->method, "OPTIONS") == 0 &&
	       toll_http_header(in, "Access-Control-Request-Method");
}

static bool preflight(struct toll_otlp_http *h, const struct toll_http_request *in,
                      struct toll_http_response *r)
{
	struct toll_otlp_preflight p = {
		.origin = toll_http_header(in, "Origin"),
		.method = toll_http_header(in, "Access-Control-Request-Method"),
		.headers = toll_http_header(in, "Access-Control-Request-Headers"),
	};

	toll_otlp_cors_preflight(&h->cors, &p, r);
	return false;
}

static bool check_path(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                       const struct toll_http_request *in, struct toll_http_response *r)
{
	if (strcmp(in->path, h->path) == 0)
		return true;
	if (is_other_signal(in->path))
		return toll_otlp_http_refuse(
			h, q, for_good(404, UNIMPLEMENTED, TOLL_OTLP_TRACES_ONLY), r);
	return toll_otlp_http_refuse(h, q, for_good(404, NOT_FOUND, h->unknown_path), r);
}

static bool check_method(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                         const struct toll_http_request *in, struct toll_http_response *r)
{
	if (strcmp(in->method, "POST") == 0)
		return true;
	toll_http_add_header(r, "Allow", "POST");
	return toll_otlp_http_refuse(h, q, for_good(405, UNIMPLEMENTED, "use POST"), r);
}

static bool check_type(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                       struct toll_http_response *r)
{
	static const char why[] = "Content-Type must be application/x-protobuf or application/json";

	return q->has_format ||
	       toll_otlp_http_refuse(h, q, for_good(415, INVALID_ARGUMENT, why), r);
}

static bool check_coding(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                         struct toll_http_response *r)
{
	if (h->codings & 1u << q->encoding)
		return true;
	toll_http_add_header(r, "Accept-Encoding", h->coding_names);
	return toll_otlp_http_refuse(h, q, for_good(415, INVALID_ARGUMENT, h->unknown_coding), r);
}

static bool check_size(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                       const struct toll_http_request *in, struct toll_http_response *r)
{
	static const char why[] = "the body is larger than max_request_body_size";

	return !in->error || toll_otlp_http_refuse(h, q, toll_otlp_refusal_of(in->error, why), r);
}

/* ---- who is asking ---- */

struct caller {
	struct toll_otlp_caller super;
	const struct toll_http_request *in;
};

static struct toll_slice header(const struct toll_auth_request *q, const char *name)
{
	const struct caller *c = (const struct caller *)(const void *)q; /* its first member */
	const char *value = toll_http_header(c->in, name);

	return value ? toll_slice_str(value) : toll_slice(NULL, 0);
}

static const char *certificate(const struct toll_otlp_caller *super, char *buf, size_t size)
{
	const struct caller *c = (const struct caller *)(const void *)super;

	return toll_http_client_name(c->in, buf, size);
}

/* Before any of the body is read. */
static bool let_in(struct toll_otlp_http *h, struct toll_otlp_http_request *q,
                   const struct toll_http_request *in, struct toll_http_response *r)
{
	struct toll_otlp_security *s = &h->super.security;
	struct caller c = { { { header }, certificate }, in };
	const char *why = NULL;
	int err = toll_otlp_identify(s, &c.super, q->identity, &why);

	if (!err)
		return true;
	if (err == TOLL_EDENIED)
		toll_http_add_header(r, "WWW-Authenticate", s->auth->challenge);
	return toll_otlp_http_refuse(h, q, toll_otlp_refusal_of(err, why), r);
}

bool toll_otlp_http_admit(void *ctx, struct toll_http_call *c, struct toll_http_response *r)
{
	struct toll_otlp_http *h = ctx;
	struct toll_otlp_http_request *q = toll_http_call_data(c);
	const struct toll_http_request *in = toll_http_call_request(c);

	q->origin = toll_http_header(in, "Origin");
	q->has_format = toll_otlp_read_type(toll_http_header(in, "Content-Type"), &q->format);
	q->encoding = toll_otlp_read_coding(toll_http_header(in, "Content-Encoding"));
	if (is_preflight(h, in))
		return preflight(h, in, r);
	return let_in(h, q, in, r) && check_path(h, q, in, r) && check_method(h, q, in, r) &&
	       check_type(h, q, r) && check_coding(h, q, r) && check_size(h, q, in, r);
}
