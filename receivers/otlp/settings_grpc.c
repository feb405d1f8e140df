/* SPDX-License-Identifier: Apache-2.0 */
/* settings_grpc.c - what may stand under protocols::grpc. */
#include "receivers/otlp/settings.h"

static const char *const transport_names[] = { "tcp", "unix", NULL };

/* clang-format off */
#define GRPC struct toll_otlp_grpc_config
static const struct toll_field server_parameter_fields[] = {
	TOLL_FIELD(struct toll_otlp_keepalive, max_connection_idle, DURATION, "1h",
	           "Close a connection without calls after this long; 0: never."),
	TOLL_FIELD(struct toll_otlp_keepalive, max_connection_age, DURATION, "0",
	           "Ask clients to reconnect after this long; 0: never."),
	TOLL_FIELD(struct toll_otlp_keepalive, max_connection_age_grace, DURATION, "0",
	           "Time for calls in progress after max_connection_age; 0: no limit."),
	TOLL_FIELD(struct toll_otlp_keepalive, time, DURATION, "2h", "Ping a silent client after this long."),
	TOLL_FIELD(struct toll_otlp_keepalive, timeout, DURATION, "20s",
	           "Close the connection when a ping is not answered within this."),
	TOLL_FIELD_END,
};

static const struct toll_field enforcement_fields[] = {
	TOLL_FIELD(struct toll_otlp_enforcement, min_time, DURATION, "5m",
	           "Clients may not ping more often than this."),
	TOLL_FIELD(struct toll_otlp_enforcement, permit_without_stream, BOOL, "false",
	           "Clients may ping without calls in progress."),
	TOLL_FIELD_END,
};

static const struct toll_field keepalive_fields[] = {
	{ .name = "server_parameters", .type = TOLL_FIELD_GROUP, .group = server_parameter_fields,
	  .offset = offsetof(GRPC, keepalive.server_parameters) - offsetof(GRPC, keepalive),
	  .help = "Pings and age of connections." },
	{ .name = "enforcement_policy", .type = TOLL_FIELD_GROUP, .group = enforcement_fields,
	  .offset = offsetof(GRPC, keepalive.enforcement_policy) - offsetof(GRPC, keepalive),
	  .help = "What clients may do." },
	TOLL_FIELD_END,
};

const struct toll_field toll_otlp_grpc_fields[] = {
	TOLL_FIELD(GRPC, endpoint, STRING, "127.0.0.1:4317",
	           "host:port to listen on; 0.0.0.0 for all interfaces, port 0 for any free port.",
	           .listens = true),
	TOLL_FIELD(GRPC, max_recv_msg_size_mib, INT, "4",
	           "Largest request in MiB, before and after inflating.", .min = 1, .max = 1024),
	TOLL_FIELD(GRPC, max_concurrent_streams, INT, "100",
	           "Requests in progress on one connection; 0: 100.", .min = 0, .max = 1000000),
	TOLL_FIELD(GRPC, read_buffer_size, SIZE, "512KiB", "Most that is read from a connection at once."),
	TOLL_FIELD(GRPC, transport, ENUM, "tcp", "With unix, endpoint is the path of a socket.",
	           .choices = transport_names),
	TOLL_FIELD(GRPC, workers, INT, "0", "Threads that receive and process; 0: one per processor.",
	           .min = 0, .max = 256),
	TOLL_FIELD(GRPC, keepalive, GROUP, NULL, "Pings, age and idleness of connections.",
	           .group = keepalive_fields),
	TOLL_FIELD_LATER("write_buffer_size", "the library chooses its own buffer sizes"),
	TOLL_FIELD_LATER("include_metadata", "request headers are not kept: what processors are to see must be an attribute of spans or resources"),
	TOLL_FIELD(GRPC, tls, GROUP, NULL, "TLS; without it everything travels as plain text.",
	           .group = toll_server_tls_fields, .present = offsetof(GRPC, tls.present)),
	TOLL_FIELD(GRPC, auth, GROUP, NULL, "Who may send; without it everybody who can connect.",
	           .group = toll_otlp_auth_fields, .present = offsetof(GRPC, auth.present)),
	TOLL_FIELD_LATER("middlewares", "there are no middlewares: auth says who may send, max_concurrent_streams and memory_limiter how much"),
	TOLL_FIELD_END,
};
/* clang-format on */
