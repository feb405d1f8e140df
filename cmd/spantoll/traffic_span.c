/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/traffic_span.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "proto/wire.h"

/* Field numbers of trace/v1/trace.proto. */
#define TAG_SPAN      TOLL_TAG(2, TOLL_WIRE_BYTES) /* ScopeSpans.spans */
#define TAG_TRACE_ID  TOLL_TAG(1, TOLL_WIRE_BYTES)
#define TAG_SPAN_ID   TOLL_TAG(2, TOLL_WIRE_BYTES)
#define TAG_PARENT_ID TOLL_TAG(4, TOLL_WIRE_BYTES)
#define TAG_NAME      TOLL_TAG(5, TOLL_WIRE_BYTES)
#define TAG_KIND      TOLL_TAG(6, TOLL_WIRE_VARINT)
#define TAG_START     TOLL_TAG(7, TOLL_WIRE_FIXED64)
#define TAG_END       TOLL_TAG(8, TOLL_WIRE_FIXED64)
#define TAG_ATTRIBUTE TOLL_TAG(9, TOLL_WIRE_BYTES)
#define TAG_STATUS    TOLL_TAG(15, TOLL_WIRE_BYTES)
#define TAG_FLAGS     TOLL_TAG(16, TOLL_WIRE_FIXED32)
#define TAG_MESSAGE   TOLL_TAG(2, TOLL_WIRE_BYTES) /* Status.message */
#define TAG_CODE      TOLL_TAG(3, TOLL_WIRE_VARINT)
#define STATUS_ERROR  2
#define FLAGS_SAMPLED 0x101u /* sampled; bit 8: it is known whether the parent is remote */

static char *put(char *out, const char *key, const char *value)
{
	return toll_write_kv_str(out, TAG_ATTRIBUTE, toll_slice_str(key), toll_slice_str(value));
}

static char *put_slice(char *out, const char *key, struct toll_slice value)
{
	return toll_write_kv_str(out, TAG_ATTRIBUTE, toll_slice_str(key), value);
}

static char *put_int(char *out, const char *key, int64_t value)
{
	return toll_write_kv_int(out, TAG_ATTRIBUTE, toll_slice_str(key), value);
}

/* An attribute whose value is a list of one string, as header attributes are: short ones only, so
 * that every length is one byte. */
static char *put_list(char *out, const char *key, const char *value)
{
	size_t key_len = strlen(key), len = strlen(value);

	assert(key_len + len + 10 < 128);
	*out++ = (char)TAG_ATTRIBUTE;
	*out++ = (char)(key_len + len + 10);
	out = toll_write_bytes(out, TOLL_TAG(1, TOLL_WIRE_BYTES), toll_slice(key, key_len));
	*out++ = (char)TOLL_TAG(2, TOLL_WIRE_BYTES); /* KeyValue.value */
	*out++ = (char)(len + 6);
	*out++ = (char)TOLL_TAG(5, TOLL_WIRE_BYTES); /* AnyValue.array_value */
	*out++ = (char)(len + 4);
	*out++ = (char)TOLL_TAG(1, TOLL_WIRE_BYTES); /* ArrayValue.values */
	*out++ = (char)(len + 2);
	return toll_write_bytes(out, TOLL_TAG(1, TOLL_WIRE_BYTES), toll_slice(value, len));
}

/* Every '#' of pattern becomes a number. */
static struct toll_slice fill_numbers(const char *pattern, uint32_t number, char *buf, size_t size)
{
	size_t len = 0;

	for (; *pattern && len + 12 < size; pattern++) {
		if (*pattern != '#') {
			buf[len++] = *pattern;
			continue;
		}
		len += (size_t)snprintf(buf + len, 12, "%" PRIu32, number);
		number = number / 7 + 13;
	}
	return toll_slice(buf, len);
}

static char *put_method(char *out, const char *name)
{
	return put_slice(out, "http.request.method", toll_slice(name, strcspn(name, " ")));
}

static uint32_t status_of(const struct toll_shop_span *s)
{
	if (s->status)
		return s->status;
	return strncmp(s->step->name, "POST", 4) == 0 ? 201 : 200;
}

static char *put_http_server(char *out, const struct toll_shop_span *s)
{
	char path[128];

	out = put_method(out, s->step->name);
	if (s->step->look == TOLL_LOOK_HTTP_SERVER)
		out = put(out, "http.route", s->step->a);
	out = put_slice(out, "url.path", fill_numbers(s->step->b, s->number, path, sizeof(path)));
	out = put(out, "url.scheme", "http");
	out = put(out, "network.protocol.version", "1.1");
	out = put_int(out, "http.response.status_code", status_of(s));
	if (!s->parent_id) { /* the visitor's own request */
		out = put(out, "user_agent.original",
		          "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0");
		out = put_list(out, "http.request.header.x-feature-context", s->feature);
	}
	return put_int(out, "http.response.body.size", 200 + s->number % 18000);
}

static char *put_http_client(char *out, const struct toll_shop_span *s)
{
	const char *host = s->step->a, *port = strchr(host, ':');
	char pattern[160], url[192];

	snprintf(pattern, sizeof(pattern), "%s://%s%s", port ? "http" : "https", host, s->step->b);
	out = put_method(out, s->step->name);
	out = put_slice(out, "url.full", fill_numbers(pattern, s->number, url, sizeof(url)));
	out = put_slice(out, "server.address", toll_slice(host, strcspn(host, ":")));
	out = put_int(out, "server.port", port ? 8080 : 443);
	return put_int(out, "http.response.status_code", status_of(s));
}

static char *put_sql(char *out, const struct toll_shop_step *step)
{
	char text[128];
	const char *verb = step->a, *table = step->b;

	if (strcmp(verb, "INSERT") == 0)
		snprintf(text, sizeof(text), "INSERT INTO %s (id, body) VALUES ($1, $2)", table);
	else
		snprintf(text, sizeof(text), "UPDATE %s SET body = $2 WHERE id = $1", table);
	out = put(out, "db.system.name", "postgresql");
	out = put(out, "db.namespace", "shop");
	out = put(out, "db.query.text", text);
	out = put(out, "server.address", "orders-db.internal");
	return put_int(out, "server.port", 5432);
}

static char *put_database(char *out, const struct toll_shop_span *s)
{
	const struct toll_shop_step *step = s->step;

	if (step->look == TOLL_LOOK_POSTGRES) {
		out = put_sql(out, step);
	} else if (step->look == TOLL_LOOK_REDIS) {
		out = put(out, "db.system.name", "redis");
		out = put(out, "server.address", "cache.internal");
	} else {
		out = put(out, "db.system.name", "opensearch");
		out = put(out, "server.address", "search.internal");
	}
	out = put(out, "db.operation.name", step->a);
	return put(out, "db.collection.name", step->b);
}

static char *put_aws(char *out, const struct toll_shop_span *s, const char *service)
{
	char id[40];

	snprintf(id, sizeof(id), "%08" PRIX32 "-4C1D-8E9F-%08" PRIX32 "%04" PRIX32, s->number,
	         s->number * 2654435761u, s->number & 0xffff);
	out = put(out, "rpc.system", "aws-api");
	out = put(out, "rpc.service", service);
	out = put(out, "rpc.method", s->step->a);
	out = put(out, "aws.request_id", id);
	out = put_int(out, "http.response.status_code", 200);
	return put(out, "cloud.region", "us-east-1");
}

static char *put_dynamodb(char *out, const struct toll_shop_span *s)
{
	char units[64];

	snprintf(units, sizeof(units), "{\"TableName\":\"%s\",\"CapacityUnits\":%s}", s->step->b,
	         s->number % 4 ? "0.5" : "1.0");
	out = put_aws(out, s, "DynamoDB");
	out = put(out, "db.system.name", "aws.dynamodb");
	out = put(out, "db.operation.name", s->step->a);
	out = put_list(out, "aws.dynamodb.table_names", s->step->b);
	return put_list(out, "aws.dynamodb.consumed_capacity", units);
}

static char *put_s3(char *out, const struct toll_shop_span *s)
{
	char key[64];

	out = put_aws(out, s, "S3");
	out = put(out, "aws.s3.bucket", s->step->b);
	out = put_slice(out, "aws.s3.key",
	                fill_numbers("products/#/large.webp", s->number, key, sizeof(key)));
	return put_int(out, "http.response.body.size", 20000 + s->number % 700000);
}

static char *put_queue(char *out, const struct toll_shop_span *s)
{
	bool sends = s->step->look == TOLL_LOOK_SQS_SEND;
	char id[40];

	if (sends)
		out = put_aws(out, s, "SQS");
	snprintf(id, sizeof(id), "%08" PRIx32 "-77aa-4e02-9c51-%08" PRIx32, s->number,
	         s->number ^ 0x5bd1e995u);
	out = put(out, "messaging.system", "aws_sqs");
	out = put(out, "messaging.destination.name", s->step->b);
	out = put(out, "messaging.operation.type", sends ? "send" : "process");
	out = put(out, "messaging.operation.name", s->step->a);
	out = put(out, "messaging.message.id", id);
	return put_int(out, "messaging.message.body.size", 300 + s->number % 3000);
}

static char *put_model(char *out, const struct toll_shop_span *s)
{
	bool chat = s->step->look == TOLL_LOOK_CHAT;
	uint32_t input = chat ? 600 + s->number % 1900 : 8 + s->number % 40;

	out = put(out, "gen_ai.operation.name", chat ? "chat" : "embeddings");
	out = put(out, "gen_ai.provider.name", s->step->a);
	out = put(out, "gen_ai.request.model", s->step->b);
	if (s->failed)
		return put(out, "error.type", "overloaded_error");
	out = put(out, "gen_ai.response.model", s->step->b);
	out = put_int(out, "gen_ai.usage.input_tokens", input);
	if (!chat)
		return out;
	out = put_int(out, "gen_ai.usage.output_tokens", 60 + s->number % 540);
	out = put_int(out, "gen_ai.usage.cache_read.input_tokens", input / 3);
	return put_list(out, "gen_ai.response.finish_reasons", "stop");
}

static char *put_agent(char *out, const struct toll_shop_span *s)
{
	if (s->step->look == TOLL_LOOK_TOOL) {
		out = put(out, "gen_ai.operation.name", "execute_tool");
		return put(out, "gen_ai.tool.name", s->step->a);
	}
	out = put(out, "gen_ai.operation.name", "invoke_agent");
	return put(out, "gen_ai.agent.name", s->step->a);
}

static char *put_look(char *out, const struct toll_shop_span *s)
{
	switch ((enum toll_shop_look)s->step->look) {
	case TOLL_LOOK_HTTP_SERVER:
	case TOLL_LOOK_HTTP_PLAIN:
		return put_http_server(out, s);
	case TOLL_LOOK_HTTP_CLIENT:
		return put_http_client(out, s);
	case TOLL_LOOK_POSTGRES:
	case TOLL_LOOK_OPENSEARCH:
	case TOLL_LOOK_REDIS:
		return put_database(out, s);
	case TOLL_LOOK_DYNAMODB:
		return put_dynamodb(out, s);
	case TOLL_LOOK_S3:
		return put_s3(out, s);
	case TOLL_LOOK_SES:
		return put_aws(out, s, "SES");
	case TOLL_LOOK_SQS_SEND:
	case TOLL_LOOK_SQS_PROCESS:
		return put_queue(out, s);
	case TOLL_LOOK_CHAT:
	case TOLL_LOOK_EMBEDDINGS:
		return put_model(out, s);
	case TOLL_LOOK_AGENT:
	case TOLL_LOOK_TOOL:
		return put_agent(out, s);
	case TOLL_LOOK_PLAIN:
		break;
	}
	out = put(out, "code.function.name", s->step->name);
	out = put(out, "code.file.path", "/app/src/worker.js");
	out = put_int(out, "thread.id", 1 + s->number % 8);
	return put(out, "thread.name", "worker");
}

/* Who and what for: on the spans where a request enters a service. */
static char *put_dimensions(char *out, const struct toll_shop_span *s)
{
	if (s->step->kind != TOLL_SHOP_SERVER && s->step->kind != TOLL_SHOP_CONSUMER &&
	    s->step->look != TOLL_LOOK_CHAT)
		return out;
	out = put(out, "app.feature", s->feature);
	out = put(out, "tenant.id", s->tenant);
	return put_slice(out, "session.id", s->session);
}

static char *put_status(char *out, const struct toll_shop_span *s)
{
	const char *why = s->failed ? "the model is overloaded" : "too many requests";
	size_t len = strlen(why);

	if (!s->failed && s->status < 400)
		return out;
	*out++ = (char)TAG_STATUS;
	*out++ = (char)(len + 4);
	out = toll_write_bytes(out, TAG_MESSAGE, toll_slice(why, len));
	*out++ = (char)TAG_CODE;
	*out++ = STATUS_ERROR;
	return out;
}

static char *put_fixed64(char *out, uint32_t tag, uint64_t v)
{
	*out++ = (char)tag;
	memcpy(out, &v, sizeof(v));
	return out + sizeof(v);
}

static char *write_body(char *out, const struct toll_shop_span *s)
{
	uint32_t flags = FLAGS_SAMPLED;

	out = toll_write_bytes(out, TAG_TRACE_ID, toll_slice(s->trace_id, 16));
	out = toll_write_bytes(out, TAG_SPAN_ID, toll_slice(s->span_id, 8));
	if (s->parent_id)
		out = toll_write_bytes(out, TAG_PARENT_ID, toll_slice(s->parent_id, 8));
	out = toll_write_bytes(out, TAG_NAME, toll_slice_str(s->step->name));
	*out++ = (char)TAG_KIND;
	*out++ = (char)s->step->kind;
	out = put_fixed64(out, TAG_START, s->start_unix_nano);
	out = put_fixed64(out, TAG_END, s->end_unix_nano);
	out = put_look(out, s);
	out = put_dimensions(out, s);
	out = put_status(out, s);
	out = toll_write_varint(out, TAG_FLAGS);
	memcpy(out, &flags, sizeof(flags));
	return out + sizeof(flags);
}

char *toll_shop_span_write(char *out, const struct toll_shop_span *s)
{
	char *body = out + 3; /* tag and a length of two bytes, filled in afterwards */
	char *end = write_body(body, s);
	size_t len = (size_t)(end - body);

	assert(len >= 128 && len < TOLL_SHOP_SPAN_MAX - 3);
	out[0] = (char)TAG_SPAN;
	toll_write_varint(out + 1, len);
	return end;
}
