/* SPDX-License-Identifier: Apache-2.0 */
/* http_message.c - what handlers read from requests and write into responses. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http_private.h"

/* ---- look-ups ---- */

const char *toll_http_query(const struct toll_http_request *q, const char *name)
{
	const char *value = NULL;
	size_t len;

	if (MHD_lookup_connection_value_n(q->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
	                                  &value, &len) == MHD_NO)
		return NULL;
	return value ? value : "";
}

struct each_argument {
	bool (*each)(void *ctx, const char *name, const char *value);
	void *ctx;
};

static enum MHD_Result on_argument(void *ctx, enum MHD_ValueKind kind TOLL_UNUSED, const char *name,
                                   const char *value)
{
	const struct each_argument *e = ctx;

	return e->each(e->ctx, name, value ? value : "") ? MHD_YES : MHD_NO;
}

void toll_http_query_each(const struct toll_http_request *q,
                          bool (*each)(void *ctx, const char *name, const char *value), void *ctx)
{
	struct each_argument e = { each, ctx };

	MHD_get_connection_values(q->connection, MHD_GET_ARGUMENT_KIND, on_argument, &e);
}

const char *toll_http_header(const struct toll_http_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

const char *toll_http_client_name(const struct toll_http_request *q, char *buf, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return toll_http_tls_client(info ? info->tls_session : NULL, buf, size);
}

void toll_http_peer(const struct toll_http_request *q, char *buf, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = info ? info->client_addr : NULL;
	char host[INET6_ADDRSTRLEN];

	if (a && a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;

		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(buf, size, "%s:%u", host, ntohs(v4->sin_port));
	} else if (a && a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;

		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(buf, size, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		snprintf(buf, size, "unix");
	}
}

/* ---- responses ---- */

void toll_http_printf(struct toll_http_response *r, const char *fmt, ...)
{
	va_list args;
	int len;

	free(r->body);
	r->body = NULL;
	va_start(args, fmt);
	len = vasprintf(&r->body, fmt, args);
	va_end(args);
	if (len < 0) {
		r->body = NULL;
		r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	r->len = len < 0 ? 0 : (size_t)len;
}

void toll_http_copy(struct toll_http_response *r, struct toll_slice body)
{
	free(r->body);
	r->len = 0;
	r->body = body.len ? malloc(body.len) : NULL;
	if (r->body) {
		memcpy(r->body, body.ptr, body.len);
		r->len = body.len;
	} else if (body.len) {
		r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	}
}

void toll_http_add_header(struct toll_http_response *r, const char *name, const char *value)
{
	size_t i = 0;

	while (r->headers[i].name)
		i++;
	r->headers[i] = (struct toll_http_header){ name, value };
}

struct MHD_Response *toll_http_make_response(const struct toll_http_server *s,
                                             struct toll_http_response *r)
{
	const char *type = r->content_type ? r->content_type : "text/plain; charset=utf-8";
	struct MHD_Response *out =
		MHD_create_response_from_buffer(r->len, r->body, MHD_RESPMEM_MUST_FREE);

	if (!out) {
		free(r->body);
		return NULL;
	}
	if (r->len || r->content_type)
		MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; i < s->set.header_count; i++)
		MHD_add_response_header(out, s->set.headers[i].name, s->set.headers[i].value);
	for (size_t i = 0; i < TOLL_HTTP_HEADERS && r->headers[i].name; i++)
		MHD_add_response_header(out, r->headers[i].name, r->headers[i].value);
	if (s->set.close_connections || atomic_load(&s->closing))
		MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
	return out;
}
