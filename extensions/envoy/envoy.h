/* SPDX-License-Identifier: Apache-2.0 */
/* envoy.h - what the files of this component share. */
#ifndef TOLL_EXTENSIONS_ENVOY_ENVOY_H
#define TOLL_EXTENSIONS_ENVOY_ENVOY_H

#include <stdatomic.h>

#include "extensions/envoy/question.h"
#include "extensions/envoy/refusal.h"
#include "net/grpc_server.h"
#include "net/tls_server.h"
#include "pipeline/component.h"
#include "pipeline/metrics.h"
#include "pipeline/server_tls.h"

/* Bytes of a request: a check carries the headers of somebody else's request, its metadata, and as
 * much of its body as Envoy is told to send. */
enum { TOLL_ENVOY_MESSAGE_MAX = 1 << 20 };

enum toll_envoy_method {
	TOLL_ENVOY_SHOULD_RATE_LIMIT = 0,
	TOLL_ENVOY_CHECK,
	TOLL_ENVOY_METHODS,
};

/* How a request was answered; each once. Of several descriptors the last in this list tells. */
enum toll_envoy_outcome {
	TOLL_ENVOY_UNNAMED = 0, /* allowed: it names nobody who could have a budget */
	TOLL_ENVOY_ALLOWED,
	TOLL_ENVOY_STALE, /* allowed: the copy of the flags is too old, or there is none */
	TOLL_ENVOY_DENIED,
	TOLL_ENVOY_OTHER_DOMAIN, /* allowed: a rate limit of another domain */
	TOLL_ENVOY_INVALID,      /* not read: a gRPC error, and Envoy goes by its failure mode */
	TOLL_ENVOY_OUTCOMES,
};

struct toll_envoy_counts {
	_Atomic uint64_t by[TOLL_ENVOY_METHODS][TOLL_ENVOY_OUTCOMES];
};

struct toll_envoy_config {
	struct toll_slice endpoint, enforcer, domain;
	uint64_t max_age; /* ns */
	int64_t status, workers;
	struct toll_pair_list headers;
	struct toll_server_tls tls;
};

/* What a worker needs for one request at a time. */
struct toll_envoy_scratch {
	char message[TOLL_ENVOY_MESSAGE_MAX];
	union {
		struct toll_envoy_limit_request limit;
		struct toll_envoy_check_request check;
	};
	struct toll_envoy_status statuses[TOLL_ENVOY_DESCRIPTORS_MAX];
	struct toll_flag_question question;
	struct toll_flag_answer answer, worst;
	struct toll_envoy_refusal_text text;
	struct toll_envoy_refusal refusal;
	char response[TOLL_ENVOY_ANSWER_MAX(TOLL_ENVOY_REFUSAL_MAX)];
	uint64_t random; /* state of the worker's generator */
};

struct toll_envoy {
	struct toll_extension super;
	const struct toll_envoy_config *config;
	struct toll_envoy_headers headers;
	struct toll_grpc_server *server;
	struct toll_grpc_method methods[TOLL_ENVOY_METHODS];
	struct toll_tls_server *tls;
	struct toll_envoy_scratch *scratch; /* one per worker */
	struct toll_metrics_source metrics;
	bool measured;
	char setting[128], tls_setting[128];
	atomic_bool stale;                /* what was said last in the log */
	struct toll_envoy_counts *counts; /* the host's: they go on over a reload */
};

/* ---- serve.c ---- */

void toll_envoy_serve_init(struct toll_envoy *e);

#endif
