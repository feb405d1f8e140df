/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what users may write under receivers::otlp. */
#ifndef TOLL_RECEIVERS_OTLP_SETTINGS_H
#define TOLL_RECEIVERS_OTLP_SETTINGS_H

#include "config/schema.h"
#include "net/endpoint.h"
#include "pipeline/repeats.h"
#include "pipeline/server_tls.h"
#include "receivers/otlp/cors.h"

struct toll_otlp_auth_config {
	struct toll_slice authenticator; /* "": everybody is let in */
	bool present;
};

enum toll_otlp_transport { TOLL_OTLP_TCP = 0, TOLL_OTLP_UNIX };

struct toll_otlp_keepalive {
	uint64_t max_connection_idle, max_connection_age, max_connection_age_grace, time, timeout;
};

struct toll_otlp_enforcement {
	uint64_t min_time;
	bool permit_without_stream;
};

struct toll_otlp_grpc_config {
	struct toll_slice endpoint;
	int transport; /* enum toll_otlp_transport */
	uint64_t read_buffer_size;
	int64_t max_recv_msg_size_mib, max_concurrent_streams, workers;
	struct {
		struct toll_otlp_keepalive server_parameters;
		struct toll_otlp_enforcement enforcement_policy;
	} keepalive;
	struct toll_server_tls tls;
	struct toll_otlp_auth_config auth;
	bool present; /* not first: an offset of 0 means "none" to the field table */
};

enum { TOLL_OTLP_PATH_MAX = 200 };

struct toll_otlp_http_config {
	struct toll_slice endpoint;
	int transport; /* enum toll_otlp_transport */
	struct toll_slice traces_url_path;
	uint64_t max_request_body_size;
	struct toll_slice_list compression_algorithms;
	struct toll_otlp_cors_config cors;
	struct toll_pair_list response_headers;
	uint64_t read_header_timeout, read_timeout, write_timeout, idle_timeout;
	int64_t max_connections, workers;
	struct toll_server_tls tls;
	struct toll_otlp_auth_config auth;
	bool keep_alives_enabled, present;
};

struct toll_otlp_config {
	struct toll_group_list identities; /* struct toll_otlp_identity */
	struct toll_repeats_settings deduplicate;
	int acknowledge; /* enum toll_ack_level */
	struct {
		struct toll_otlp_grpc_config grpc;
		struct toll_otlp_http_config http;
	} protocols;
};

extern const struct toll_field toll_otlp_fields[];
extern const struct toll_field toll_otlp_grpc_fields[];
extern const struct toll_field toll_otlp_http_fields[];
extern const struct toll_field toll_otlp_auth_fields[];

/* The rules that the tables cannot say. config: struct toll_otlp_config. */
void toll_otlp_validate(const void *config, struct toll_reporter *r);

void toll_otlp_http_validate(const struct toll_otlp_http_config *c, struct toll_reporter *r);
void toll_otlp_check_endpoint(struct toll_slice endpoint, int transport, const char *path,
                              struct toll_reporter *r);

/* As the servers read it: "host:port", or "unix:/path" for both ways of writing that (the Collector
 * says transport: unix with a path, gRPC says unix:path). */
void toll_otlp_print_endpoint(struct toll_slice endpoint, int transport,
                              char buf[TOLL_ENDPOINT_MAX]);

#endif
