/* SPDX-License-Identifier: Apache-2.0 */
/* transport.h - the seam between a server engine and OTLP: request bytes in, answer out.
 *
 * An engine (grpc_core.c; HTTP and a second gRPC engine can follow) hands each request to
 * toll_otlp_export() and is told the answer later, exactly once, from any thread. */
#ifndef TOLL_RECEIVERS_OTLP_TRANSPORT_H
#define TOLL_RECEIVERS_OTLP_TRANSPORT_H

#include <stdint.h>

#include "base/error.h"
#include "pipeline/consumer.h"
#include "receivers/otlp/inflate.h"

struct toll_otlp;
struct toll_otlp_request;

struct toll_otlp_engine {
	/* Copies the request's bytes, as many as it was announced with, and lets go of them. At
	 * most once, before toll_otlp_export() returns. */
	void (*take)(struct toll_otlp_request *r, char *out);
	/* err 0: response is an encoded ExportTraceServiceResponse. Otherwise the request is
	 * refused with this error and sentence (static); the engine adds when to come again where
	 * that is proper. r is gone afterwards. */
	void (*answer)(struct toll_otlp_request *r, int err, const char *why,
	               struct toll_slice response);
};

/* Engines keep it inside the call. */
struct toll_otlp_request {
	const struct toll_otlp_engine *engine;
	struct toll_otlp *receiver;
	struct toll_ack ack;
	uint32_t spans;    /* given to the pipelines */
	uint32_t rejected; /* cannot be forwarded at all */
	uint8_t reason;    /* enum toll_drop of the first rejected */
};

/* What an engine knows of a request's bytes. */
struct toll_otlp_body {
	size_t size; /* as they came, before inflating */
	enum toll_encoding encoding;
	unsigned worker;  /* of the receiver's workers: which thread this is */
	const char *peer; /* "127.0.0.1:40312"; borrowed */
};

/* On the engine's worker thread. The engine has set r->engine; the rest is filled in here. */
void toll_otlp_export(struct toll_otlp *receiver, struct toll_otlp_request *r,
                      const struct toll_otlp_body *body);

#endif
