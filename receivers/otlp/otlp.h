/* SPDX-License-Identifier: Apache-2.0 */
/* otlp.h - what the files of the otlp receiver share. */
#ifndef TOLL_RECEIVERS_OTLP_OTLP_H
#define TOLL_RECEIVERS_OTLP_OTLP_H

#include "pipeline/component.h"
#include "pipeline/metrics.h"
#include "receivers/otlp/settings.h"
#include "receivers/otlp/transport.h"

#define TOLL_OTLP_TRACE_SERVICE "opentelemetry.proto.collector.trace.v1.TraceService"
#define TOLL_OTLP_TRACES_ONLY \
	"spantoll takes traces only: send metrics, logs and profiles to another endpoint"

struct toll_otlp {
	struct toll_receiver super;
	const struct toll_otlp_config *config;
	struct toll_otlp_engine *engines[2]; /* one per protocol that is on */
	size_t engine_count;
	struct toll_metrics_source metrics;
	_Atomic uint64_t not_allowed, reserved; /* unverified spans, see identity.h */
	bool listed;                            /* among the host's metrics */
};

/* grpc.c: OTLP/gRPC, on config->protocols.grpc. NULL: out of memory. */
struct toll_otlp_engine *toll_otlp_grpc_new(struct toll_otlp *o);

/* http.c: OTLP/HTTP, on config->protocols.http. */
struct toll_otlp_engine *toll_otlp_http_new(struct toll_otlp *o);

/* metrics.c: requests by engine and by how they ended. */
/* What the server counted by itself goes on under the receiver's id; before its engine is freed. */
void toll_otlp_keep_failures(struct toll_otlp_engine *e);
void toll_otlp_collect(struct toll_metrics_source *self, struct toll_metrics_writer *w);

#endif
