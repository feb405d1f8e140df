/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_answer.h - what a server says to an OTLP export: reads ExportTraceServiceResponse and
 * google.rpc.Status. Field numbers: otlp_collector.proto, google_rpc.proto.
 *
 * Untrusted bytes: what is malformed reads as not there. Everything borrows from the input. */
#ifndef TOLL_PROTO_OTLP_ANSWER_H
#define TOLL_PROTO_OTLP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct toll_otlp_answer {
	uint64_t rejected;         /* spans; a negative number reads as 0 */
	struct toll_slice message; /* why; with rejected 0 a warning; "" when there is none */
};

/* ExportTraceServiceResponse; an empty one is a full success. */
struct toll_otlp_answer toll_otlp_answer_read(struct toll_slice response);

struct toll_rpc_status {
	struct toll_slice message;
	bool has_retry_delay;    /* there is a google.rpc.RetryInfo */
	uint64_t retry_delay_ns; /* its delay; negative: 0; too long: UINT64_MAX */
};

/* google.rpc.Status: of grpc-status-details-bin, and the body of an OTLP/HTTP error. */
struct toll_rpc_status toll_rpc_status_read(struct toll_slice status);

/* OTLP: may the same request be sent again after this gRPC status? RESOURCE_EXHAUSTED only when
 * the server names a delay. */
bool toll_otlp_retryable(int grpc_status, bool has_retry_delay);

#endif
