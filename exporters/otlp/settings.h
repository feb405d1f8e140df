/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users write about an OTLP/gRPC destination, with the Collector's names. */
#ifndef TOLL_EXPORTERS_OTLP_SETTINGS_H
#define TOLL_EXPORTERS_OTLP_SETTINGS_H

#include "config/client_tls.h"
#include "pipeline/runner.h"

struct toll_otlp_grpc_out_keepalive {
	uint64_t time, timeout; /* ns */
	bool permit_without_stream;
};

struct toll_otlp_grpc_out_config {
	struct toll_slice endpoint, compression, balancer_name, authority;
	struct toll_pair_list headers;
	struct toll_client_tls tls;
	struct toll_otlp_grpc_out_keepalive keepalive;
	uint64_t read_buffer_size, write_buffer_size;
	bool wait_for_ready;
	struct toll_exporter_settings common;
};

extern const struct toll_field toll_otlp_grpc_out_fields[];
void toll_otlp_grpc_out_validate(const void *config, struct toll_reporter *r);

#define TOLL_OTLP_GRPC_OUT_TARGET_MAX 512

/* The endpoint as gRPC names it: "http://", "https://" and a closing "/" are gone. TOLL_EINVALID
 * with a sentence. */
int toll_otlp_grpc_out_target(const struct toll_otlp_grpc_out_config *c,
                              char buf[TOLL_OTLP_GRPC_OUT_TARGET_MAX],
                              struct toll_error *reterr) TOLL_MUST_CHECK;
/* https: yes, http: no, otherwise unless tls::insecure. */
bool toll_otlp_grpc_out_is_secure(const struct toll_otlp_grpc_out_config *c);
bool toll_otlp_grpc_out_is_gzip(const struct toll_otlp_grpc_out_config *c);

#endif
