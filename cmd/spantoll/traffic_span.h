/* SPDX-License-Identifier: Apache-2.0 */
/* traffic_span.h - one span of the shop's traffic with the attributes its kind of call carries. */
#ifndef TOLL_CMD_TRAFFIC_SPAN_H
#define TOLL_CMD_TRAFFIC_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum toll_shop_kind {
	TOLL_SHOP_INTERNAL = 1, /* as in OTLP's SpanKind */
	TOLL_SHOP_SERVER,
	TOLL_SHOP_CLIENT,
	TOLL_SHOP_PRODUCER,
	TOLL_SHOP_CONSUMER,
};

/* Which attributes a step has; what a and b of the step mean. */
enum toll_shop_look {
	TOLL_LOOK_PLAIN = 0,
	TOLL_LOOK_HTTP_SERVER, /* route, path */
	TOLL_LOOK_HTTP_PLAIN,  /* "", path: a framework that knows no routes */
	TOLL_LOOK_HTTP_CLIENT, /* host, path */
	TOLL_LOOK_POSTGRES,    /* operation, table */
	TOLL_LOOK_OPENSEARCH,  /* operation, index */
	TOLL_LOOK_REDIS,       /* command, key space */
	TOLL_LOOK_DYNAMODB,    /* operation, table */
	TOLL_LOOK_S3,          /* operation, bucket */
	TOLL_LOOK_SES,         /* operation */
	TOLL_LOOK_SQS_SEND,    /* operation, queue */
	TOLL_LOOK_SQS_PROCESS, /* operation, queue */
	TOLL_LOOK_CHAT,        /* provider, model */
	TOLL_LOOK_EMBEDDINGS,  /* provider, model */
	TOLL_LOOK_AGENT,       /* agent */
	TOLL_LOOK_TOOL,        /* tool */
};

struct toll_shop_step {
	int8_t caller;   /* step of the same journey; -1: the root */
	uint8_t service; /* of the shop's twelve */
	uint8_t kind, look;
	const char *name, *a, *b;
	uint32_t own_us_from, own_us_to;
};

/* What differs from span to span. */
struct toll_shop_span {
	const struct toll_shop_step *step;
	const uint8_t *trace_id, *span_id, *parent_id; /* parent_id NULL: the root */
	uint64_t start_unix_nano, end_unix_nano;
	const char *feature, *tenant;
	struct toll_slice session;
	uint32_t number; /* for the '#' of paths, token counts, sizes */
	uint32_t status; /* HTTP status; 0: the usual */
	bool failed;     /* the model was overloaded */
};

#define TOLL_SHOP_SPAN_MAX 4096u

/* Writes the whole ScopeSpans.spans field, at most TOLL_SHOP_SPAN_MAX bytes; returns its end. */
char *toll_shop_span_write(char *out, const struct toll_shop_span *s);

#endif
