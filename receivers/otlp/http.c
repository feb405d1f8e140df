/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - the HTTP engine: POST /v1/traces on net/http_server. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_server.h"
#include "pipeline/host.h"
#include "receivers/otlp/cors.h"
#include "receivers/otlp/http_headers.h"
#include "receivers/otlp/otlp.h"

enum { INVALID_ARGUMENT = 3, NOT_FOUND = 5, UNIMPLEMENTED = 12 };

/* What a connection's buffer holds: request line and headers, then pieces of the body. */
#define BUFFER_BYTES ((size_t)32 << 10)

struct http {
	struct toll_otlp_engine super;
	struct toll_http_server *server;
	struct toll_http_service service;
	struct toll_otlp_cors cors;
	struct toll_http_header *headers; /* response_headers */
	unsigned codings;                 /* bits of enum toll_encoding */
	char coding_names[TOLL_CODINGS_MAX];
	char path[TOLL_OTLP_PATH_MAX + 2];
	char unknown_path[320], unknown_coding[128];
};

/* In every call. */
struct request {
	struct toll_otlp_request otlp;
	enum toll_encoding encoding;
	enum toll_otlp_format format;
	char identity[TOLL_IDENTITY_MAX];
	bool has_format;     /* the client's language: else it is told in plain text */
	char retry_after[8]; /* seconds, as text */
	const char *origin;  /* the page that sent it, or NULL */
};

static struct http *http_of(struct toll_otlp_engine *e)
{
	return toll_container_of(e, struct http, super);
}

static const struct http *http_of_const(const struct toll_otlp_engine *e)
{
	return (const struct http *)e;
}

/* ---- refusals and answers ---- */

struct refusal {
	unsigned status; /* of HTTP */
	int code;        /* of google.rpc.Status */
	const char *why;
	bool again; /* the client is to come again */
};

static unsigned status_of(int err)
{
	switch (err) {
	case TOLL_ETOOMANY:
		return 429;
	case TOLL_EINVALID:
		return 400;
	case TOLL_ETOOBIG:
		return 413;
	case TOLL_EUNSUPPORTED:
		return 415;
	case TOLL_EDENIED:
		return 401;
	default:
		return toll_err_retryable(err) ? 503 : 500;
	}
}

static struct refusal for_good(unsigned status, int code, const char *why)
{
	return (struct refusal){ status, code, why, false };
}

static struct refusal refusal_of(int err, const char *why)
{
	return (struct refusal){ status_of(err), toll_err_grpc_status(err), why,
		                 toll_err_retryable(err) };
}

/* Both ways in which clients look for it: the returned delay is for RetryInfo. */
static uint32_t add_retry_after(struct request *q, struct toll_http_response *r)
{
	uint32_t delay_ms = toll_retry_delay_ms();

	snprintf(q->retry_after, sizeof(q->retry_after), "%u", (delay_ms + 999) / 1000);
	toll_http_add_header(r, "Retry-After", q->retry_after);
	return delay_ms;
}

/* A Status in the client's language, or the sentence alone. */
static void say(struct request *q, const struct refusal *f, struct toll_http_response *r)
{
	char buf[TOLL_RESPONSE_MAX] TOLL_UNINITIALIZED;
	uint32_t delay_ms = f->again ? add_retry_after(q, r) : 0;

	r->status = f->status;
	if (!q->has_format) {
		toll_http_printf(r, "%s\n", f->why);
		return;
	}
	r->content_type = toll_otlp_type(q->format);
	toll_http_copy(r, toll_otlp_status(q->format, f->code, f->why, delay_ms, buf));
}

static void take(struct toll_otlp_request *r, char *out)
{
	struct request *q = toll_container_of(r, struct request, otlp);
	struct toll_http_call *c = toll_http_call_of(q);
	struct toll_slice body = toll_http_call_request(c)->body;

	if (out && body.len)
		memcpy(out, body.ptr, body.len);
	toll_http_call_drop_body(c);
}

static void answer(struct toll_otlp_request *r, int err, const char *why)
{
	struct request *q = toll_container_of(r, struct request, otlp);
	struct http *h = http_of(r->engine);
	struct toll_http_response out = { .status = 200 };
	struct refusal refusal = refusal_of(err, why);
	char buf[TOLL_RESPONSE_MAX] TOLL_UNINITIALIZED;

	if (err) {
		say(q, &refusal, &out);
	} else {
		out.content_type = toll_otlp_type(q->format);
		toll_http_copy(&out, toll_otlp_response(q->format, r->rejected, r->reason, buf));
	}
	toll_otlp_cors_answer(&h->cors, q->origin, &out);
	toll_http_answer(toll_http_call_of(q), &out);
}

/* ---- with the headers ---- */

static bool refuse(struct http *h, struct request *q, struct refusal f,
                   struct toll_http_response *r)
{
	toll_otlp_count(&h->super, f.again ? TOLL_OUTCOME_REFUSED : TOLL_OUTCOME_FAILURE);
	say(q, &f, r);
	toll_otlp_cors_answer(&h->cors, q->origin, r);
	return false;
}

/* The Collector's paths of what it receives and we do not. */
static bool is_other_signal(const char *path)
{
	return strcmp(path, "/v1/metrics") == 0 || strcmp(path, "/v1/logs") == 0 ||
	       strcmp(path, "/v1development/profiles") == 0;
}

static bool is_preflight(const struct http *h, const struct toll_http_request *in)
{
	return toll_otlp_cors_on(&h->cors) && strcmp(in->method, "OPTIONS") == 0 &&
	       toll_http_header(in, "Access-Control-Request-Method");
}

static bool preflight(struct http *h, const struct toll_http_request *in,
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

static bool check_path(struct http *h, struct request *q, const struct toll_http_request *in,
                       struct toll_http_response *r)
{
	if (strcmp(in->path, h->path) == 0)
		return true;
	if (is_other_signal(in->path))
		return refuse(h, q, for_good(404, UNIMPLEMENTED, TOLL_OTLP_TRACES_ONLY), r);
	return refuse(h, q, for_good(404, NOT_FOUND, h->unknown_path), r);
}

static bool check_method(struct http *h, struct request *q, const struct toll_http_request *in,
                         struct toll_http_response *r)
{
	if (strcmp(in->method, "POST") == 0)
		return true;
	toll_http_add_header(r, "Allow", "POST");
	return refuse(h, q, for_good(405, UNIMPLEMENTED, "use POST"), r);
}

static bool check_type(struct http *h, struct request *q, struct toll_http_response *r)
{
	static const char why[] = "Content-Type must be application/x-protobuf or application/json";

	return q->has_format || refuse(h, q, for_good(415, INVALID_ARGUMENT, why), r);
}

static bool check_coding(struct http *h, struct request *q, struct toll_http_response *r)
{
	if (h->codings & 1u << q->encoding)
		return true;
	toll_http_add_header(r, "Accept-Encoding", h->coding_names);
	return refuse(h, q, for_good(415, INVALID_ARGUMENT, h->unknown_coding), r);
}

static bool check_size(struct http *h, struct request *q, const struct toll_http_request *in,
                       struct toll_http_response *r)
{
	static const char why[] = "the body is larger than max_request_body_size";

	return !in->error || refuse(h, q, refusal_of(in->error, why), r);
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
static bool let_in(struct http *h, struct request *q, const struct toll_http_request *in,
                   struct toll_http_response *r)
{
	struct toll_otlp_security *s = &h->super.security;
	struct caller c = { { { header }, certificate }, in };
	const char *why = NULL;
	int err = toll_otlp_identify(s, &c.super, q->identity, &why);

	if (!err)
		return true;
	if (err == TOLL_EDENIED)
		toll_http_add_header(r, "WWW-Authenticate", s->auth->challenge);
	return refuse(h, q, refusal_of(err, why), r);
}

static bool admit(void *ctx, struct toll_http_call *c, struct toll_http_response *r)
{
	struct http *h = ctx;
	struct request *q = toll_http_call_data(c);
	const struct toll_http_request *in = toll_http_call_request(c);

	q->origin = toll_http_header(in, "Origin");
	q->has_format = toll_otlp_read_type(toll_http_header(in, "Content-Type"), &q->format);
	q->encoding = toll_otlp_read_coding(toll_http_header(in, "Content-Encoding"));
	if (is_preflight(h, in))
		return preflight(h, in, r);
	return let_in(h, q, in, r) && check_path(h, q, in, r) && check_method(h, q, in, r) &&
	       check_type(h, q, r) && check_coding(h, q, r) && check_size(h, q, in, r);
}

/* ---- with the body ---- */

static void serve(void *ctx, struct toll_http_call *c)
{
	struct http *h = ctx;
	struct request *q = toll_http_call_data(c);
	const struct toll_http_request *in = toll_http_call_request(c);
	union { /* the call's own buffer, borrowed as const */
		const char *in;
		char *out;
	} bytes = { .in = in->body.ptr };
	char peer[64];
	struct toll_otlp_body body = { .size = in->body.len,
		                       .bytes = bytes.out,
		                       .encoding = q->encoding,
		                       .format = q->format,
		                       .worker = toll_http_call_worker(c),
		                       .peer = peer,
		                       .identity = q->identity };

	if (in->error) {
		toll_otlp_refuse(&h->super, &q->otlp, in->error,
		                 in->error == TOLL_ETOOBIG
		                         ? "the body is larger than max_request_body_size"
		                         : "the process is at its memory limit");
		return;
	}
	toll_http_peer(in, peer, sizeof(peer));
	toll_otlp_export(&h->super, &q->otlp, &body);
}

/* ---- life ---- */

static int listen_and_serve(struct toll_otlp_engine *e, struct toll_error *reterr)
{
	struct http *h = http_of(e);
	const struct toll_otlp_http_config *c = &e->receiver->config->protocols.http;
	struct toll_http_settings set = {
		.endpoint = e->endpoint,
		.setting = e->setting,
		.thread = "toll-otlp-http",
		.service = &h->service,
		.call_size = sizeof(struct request),
		.headers = h->headers,
		.header_count = c->response_headers.count,
		.tls = e->security.tls,
		.memory = toll_host_memory(e->receiver->super.super.host),
		.workers = e->workers,
		.max_connections = (unsigned)c->max_connections,
		.max_header_bytes = BUFFER_BYTES,
		.max_body_bytes = e->set.max_message_bytes,
		.header_timeout_ns = c->read_header_timeout,
		.body_timeout_ns = c->read_timeout,
		.answer_timeout_ns = c->write_timeout,
		.idle_timeout_ns = c->idle_timeout,
		.close_connections = !c->keep_alives_enabled,
	};

	return toll_http_server_new(&set, &h->server, reterr);
}

static void engine_close(struct toll_otlp_engine *e)
{
	toll_http_server_close(http_of(e)->server);
}

static bool stop(struct toll_otlp_engine *e, uint64_t deadline_mono_ns)
{
	return toll_http_server_stop(http_of(e)->server, deadline_mono_ns);
}

static void engine_free(struct toll_otlp_engine *e)
{
	struct http *h = http_of(e);

	toll_http_server_free(h->server);
	toll_otlp_cors_release(&h->cors);
	toll_otlp_engine_release(e);
	free(h->headers);
	free(h);
}

static const char *address(const struct toll_otlp_engine *e)
{
	return toll_http_server_url(http_of_const(e)->server);
}

static uint64_t failures(const struct toll_otlp_engine *e)
{
	const struct toll_http_counts *c = toll_http_server_counts(http_of_const(e)->server);

	return atomic_load_explicit(&c->lost, memory_order_relaxed);
}

static const struct toll_otlp_engine_ops ops = {
	.transport = "http",
	.name = "OTLP/HTTP",
	.too_big = "the body is larger than max_request_body_size once inflated",
	.listen = listen_and_serve,
	.close = engine_close,
	.stop = stop,
	.free = engine_free,
	.address = address,
	.failures = failures,
	.take = take,
	.answer = answer,
};

/* ---- made of the settings ---- */

static int copy_headers(struct http *h, const struct toll_pair_list *from)
{
	h->headers = calloc(from->count + 1, sizeof(*h->headers));
	if (!h->headers)
		return TOLL_ENOMEM;
	for (size_t i = 0; i < from->count; i++)
		h->headers[i] =
			(struct toll_http_header){ from->at[i].key.ptr, from->at[i].value.ptr };
	return 0;
}

static void write_sentences(struct http *h, const struct toll_otlp_http_config *c)
{
	toll_otlp_print_codings(h->codings, h->coding_names);
	snprintf(h->path, sizeof(h->path), "%s%s", *c->traces_url_path.ptr == '/' ? "" : "/",
	         c->traces_url_path.ptr);
	snprintf(h->unknown_path, sizeof(h->unknown_path), "unknown path: POST traces to %s",
	         h->path);
	snprintf(h->unknown_coding, sizeof(h->unknown_coding), "Content-Encoding must be one of %s",
	         h->coding_names);
}

static int fill(struct http *h, const struct toll_otlp_http_config *c)
{
	h->service = (struct toll_http_service){ admit, serve, h };
	h->codings = toll_otlp_coding_set(&c->compression_algorithms);
	write_sentences(h, c);
	return toll_otlp_cors_init(&h->cors, &c->cors) || copy_headers(h, &c->response_headers);
}

struct toll_otlp_engine *toll_otlp_http_new(struct toll_otlp *o)
{
	const struct toll_otlp_http_config *c = &o->config->protocols.http;
	struct toll_otlp_engine_settings set = {
		.endpoint = c->endpoint,
		.transport = c->transport,
		.workers = c->workers,
		.max_message_bytes = c->max_request_body_size,
		.tls = &c->tls,
		.auth = &c->auth,
	};
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	if (toll_otlp_engine_init(&h->super, &ops, o, &set) < 0) {
		free(h);
		return NULL;
	}
	if (fill(h, c)) {
		engine_free(&h->super);
		return NULL;
	}
	return &h->super;
}
