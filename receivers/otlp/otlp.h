/* SPDX-License-Identifier: Apache-2.0 */
/* otlp.h - what the files of the otlp receiver share. */
#ifndef TOLL_RECEIVERS_OTLP_OTLP_H
#define TOLL_RECEIVERS_OTLP_OTLP_H

#include <stdatomic.h>

#include "config/schema.h"
#include "net/endpoint.h"
#include "net/grpc_server.h"
#include "pipeline/component.h"
#include "pipeline/metrics.h"
#include "receivers/otlp/inflate.h"

#define TOLL_OTLP_TRACE_SERVICE "opentelemetry.proto.collector.trace.v1.TraceService"

struct toll_otlp_keepalive {
	uint64_t max_connection_idle, max_connection_age, max_connection_age_grace, time, timeout;
};

struct toll_otlp_enforcement {
	uint64_t min_time;
	bool permit_without_stream;
};

enum toll_otlp_transport { TOLL_OTLP_TCP = 0, TOLL_OTLP_UNIX };

struct toll_otlp_grpc_config {
	struct toll_slice endpoint;
	int transport; /* enum toll_otlp_transport */
	uint64_t read_buffer_size;
	int64_t max_recv_msg_size_mib, max_concurrent_streams, workers;
	struct {
		struct toll_otlp_keepalive server_parameters;
		struct toll_otlp_enforcement enforcement_policy;
	} keepalive;
	bool present; /* not first: an offset of 0 means "none" to the field table */
};

struct toll_otlp_config {
	int acknowledge; /* enum toll_ack_level */
	struct {
		struct toll_otlp_grpc_config grpc;
	} protocols;
};

/* How requests ended; the label of otelcol_receiver_requests. */
enum toll_outcome {
	TOLL_OUTCOME_SUCCESS = 0,
	TOLL_OUTCOME_REFUSED,
	TOLL_OUTCOME_FAILURE,
	TOLL_OUTCOME_COUNT
};

struct toll_otlp {
	struct toll_receiver super;
	const struct toll_otlp_config *config;
	struct toll_grpc_server *server;
	struct toll_metrics_source metrics;
	_Atomic uint64_t outcomes[TOLL_OUTCOME_COUNT];
	struct toll_grpc_method methods[2];
	unsigned workers;
	bool listed;                     /* among the host's metrics */
	struct toll_inflater *inflaters; /* one per worker */
	size_t max_message_bytes;
	char setting[128];
	char endpoint[TOLL_ENDPOINT_MAX];
};

void toll_otlp_handle_health(void *otlp, struct toll_grpc_call *c);

/* grpc_core.c: the gRPC engine. */
int toll_otlp_grpc_start(struct toll_otlp *o, struct toll_error *reterr) TOLL_MUST_CHECK;

#endif
