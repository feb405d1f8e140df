/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - the HTTP engine: POST /v1/traces on net/http_server. */
#include "receivers/otlp/http.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/host.h"

/* What a connection's buffer holds: request line and headers, then pieces of the body. */
#define BUFFER_BYTES ((size_t)32 << 10)

static const struct toll_otlp_http *http_of_const(const struct toll_otlp_engine *e)
{
	return (const struct toll_otlp_http *)e;
}

/* ---- with the body ---- */

static void take(struct toll_otlp_request *r, char *out)
{
	struct toll_otlp_http_request *q =
		toll_container_of(r, struct toll_otlp_http_request, otlp);
	struct toll_http_call *c = toll_http_call_of(q);
	struct toll_slice body = toll_http_call_request(c)->body;

	if (out && body.len)
		memcpy(out, body.ptr, body.len);
	toll_http_call_drop_body(c);
}

static void serve(void *ctx, struct toll_http_call *c)
{
	struct toll_otlp_http *h = ctx;
	struct toll_otlp_http_request *q = toll_http_call_data(c);
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
	struct toll_otlp_http *h = toll_otlp_http_of(e);
	const struct toll_otlp_http_config *c = &e->receiver->config->protocols.http;
	struct toll_http_settings set = {
		.endpoint = e->endpoint,
		.setting = e->setting,
		.thread = "toll-otlp-http",
		.service = &h->service,
		.call_size = sizeof(struct toll_otlp_http_request),
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
	toll_http_server_close(toll_otlp_http_of(e)->server);
}

static bool stop(struct toll_otlp_engine *e, uint64_t deadline_mono_ns)
{
	return toll_http_server_stop(toll_otlp_http_of(e)->server, deadline_mono_ns);
}

static void engine_free(struct toll_otlp_engine *e)
{
	struct toll_otlp_http *h = toll_otlp_http_of(e);

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
	.answer = toll_otlp_http_answer,
};

/* ---- made of the settings ---- */

static int copy_headers(struct toll_otlp_http *h, const struct toll_pair_list *from)
{
	h->headers = calloc(from->count + 1, sizeof(*h->headers));
	if (!h->headers)
		return TOLL_ENOMEM;
	for (size_t i = 0; i < from->count; i++)
		h->headers[i] =
			(struct toll_http_header){ from->at[i].key.ptr, from->at[i].value.ptr };
	return 0;
}

static void write_sentences(struct toll_otlp_http *h, const struct toll_otlp_http_config *c)
{
	toll_otlp_print_codings(h->codings, h->coding_names);
	snprintf(h->path, sizeof(h->path), "%s%s", *c->traces_url_path.ptr == '/' ? "" : "/",
	         c->traces_url_path.ptr);
	snprintf(h->unknown_path, sizeof(h->unknown_path), "unknown path: POST traces to %s",
	         h->path);
	snprintf(h->unknown_coding, sizeof(h->unknown_coding), "Content-Encoding must be one of %s",
	         h->coding_names);
}

static int fill(struct toll_otlp_http *h, const struct toll_otlp_http_config *c)
{
	h->service = (struct toll_http_service){ toll_otlp_http_admit, serve, h };
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
	struct toll_otlp_http *h = calloc(1, sizeof(*h));

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
