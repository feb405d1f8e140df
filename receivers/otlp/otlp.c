/* SPDX-License-Identifier: Apache-2.0 */
/* otlp - receives spans over OTLP: configuration and life of the receiver. */
#include "receivers/otlp/otlp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

static bool has_scheme(const struct toll_otlp_grpc_config *c)
{
	return strncmp(c->endpoint.ptr, "unix:", 5) == 0;
}

static bool is_unix(const struct toll_otlp_grpc_config *c)
{
	return c->transport == TOLL_OTLP_UNIX || has_scheme(c);
}

static struct toll_otlp *otlp_of(struct toll_component *c)
{
	return toll_container_of(c, struct toll_otlp, super.super);
}

/* What core refused by itself is a failure too. */
static uint64_t requests(const struct toll_otlp *o, enum toll_outcome outcome)
{
	const struct toll_grpc_server_counts *c = toll_grpc_server_counts(o->server);
	uint64_t n = atomic_load_explicit(&o->outcomes[outcome], memory_order_relaxed);

	if (outcome == TOLL_OUTCOME_FAILURE)
		n += atomic_load_explicit(&c->lost, memory_order_relaxed) +
		     atomic_load_explicit(&c->overdue, memory_order_relaxed);
	return n;
}

static void collect(struct toll_metrics_source *self, struct toll_metrics_writer *w)
{
	static const char *const names[] = { "success", "refused", "failure" };
	struct toll_otlp *o = toll_container_of(self, struct toll_otlp, metrics);

	toll_metrics_family(w, "otelcol_receiver_requests", TOLL_METRIC_COUNTER,
	                    "Requests by how they ended.");
	for (size_t i = 0; i < TOLL_OUTCOME_COUNT; i++) {
		const struct toll_label labels[] = {
			{ "receiver", toll_slice_str(o->super.super.id.text) },
			{ "transport", TOLL_SLICE("grpc") },
			{ "outcome", toll_slice_str(names[i]) },
		};

		toll_metrics_sample(w, labels, TOLL_COUNT(labels),
		                    requests(o, (enum toll_outcome)i));
	}
}

static int otlp_start(struct toll_component *c, struct toll_error *reterr)
{
	struct toll_otlp *o = otlp_of(c);
	int err = toll_otlp_grpc_start(o, reterr);

	if (err)
		return err;
	toll_host_metrics_add(c->host, &o->metrics);
	o->listed = true;
	toll_host_set_health(c->host, c, TOLL_HEALTH_OK, "listening");
	TOLL_INFO(c->who, "listening for OTLP/gRPC endpoint=%s",
	          toll_grpc_server_address(o->server));
	return 0;
}

static void otlp_shutdown(struct toll_component *c, uint64_t deadline_mono_ns)
{
	struct toll_otlp *o = otlp_of(c);

	if (o->server && !toll_grpc_server_stop(o->server, deadline_mono_ns))
		TOLL_WARN(c->who, "some requests were still unanswered at the deadline: "
		                  "their clients will send them again");
}

static void otlp_free(struct toll_component *c)
{
	struct toll_otlp *o = otlp_of(c);

	if (o->listed)
		toll_host_metrics_remove(c->host, &o->metrics);
	/* An exporter that is stuck may still answer: what it would touch stays until the end. */
	if (o->server && !toll_grpc_server_stop(o->server, 0))
		return;
	toll_grpc_server_free(o->server);
	for (unsigned i = 0; o->inflaters && i < o->workers; i++)
		toll_inflater_release(&o->inflaters[i]);
	free(o->inflaters);
	free(o);
}

static const struct toll_component_ops ops = { otlp_start, otlp_shutdown, otlp_free };

/* The Collector says transport: unix with a path; gRPC says unix:path, which is taken as well. */
static void print_endpoint(const struct toll_otlp_grpc_config *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", is_unix(c) && !has_scheme(c) ? "unix:" : "", c->endpoint.ptr);
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	const struct toll_otlp_grpc_config *grpc =
		&((const struct toll_otlp_config *)config)->protocols.grpc;
	struct toll_otlp *o = calloc(1, sizeof(*o));

	if (!o)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&o->super.super, &ops, set);
	o->super.next = set->next;
	o->config = config;
	o->metrics.collect = collect;
	o->workers = grpc->workers ? (unsigned)grpc->workers : toll_cpu_count();
	o->inflaters = calloc(o->workers, sizeof(*o->inflaters));
	if (!o->inflaters) {
		free(o);
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	}
	o->max_message_bytes = (size_t)grpc->max_recv_msg_size_mib << 20;
	snprintf(o->setting, sizeof(o->setting), "receivers::%s::protocols::grpc::endpoint",
	         set->id.text);
	print_endpoint(grpc, o->endpoint, sizeof(o->endpoint));
	*ret = &o->super.super;
	return 0;
}

static void validate(const void *config, struct toll_reporter *r)
{
	const struct toll_otlp_config *c = config;
	const struct toll_otlp_grpc_config *grpc = &c->protocols.grpc;
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (!grpc->present)
		toll_report_error(r, "protocols", "no protocol is on: add `grpc:` under protocols");
	else if (!is_unix(grpc) && toll_endpoint_parse(grpc->endpoint, &endpoint, &why) < 0)
		toll_report_error(r, "protocols::grpc::endpoint", "%s", why.text);
	else if (grpc->endpoint.len >= TOLL_ENDPOINT_MAX - sizeof("unix:"))
		toll_report_error(r, "protocols::grpc::endpoint", "is too long");
	if (c->acknowledge == TOLL_ACK_JOURNALED)
		toll_report_error(
			r, "acknowledge",
			"journaled needs a journal, which this version does not have yet; use "
			"received or exported");
}

static const char *const ack_names[] = { "received", "journaled", "exported", NULL };

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

static const struct toll_field grpc_fields[] = {
	TOLL_FIELD(GRPC, endpoint, STRING, "127.0.0.1:4317",
	           "host:port to listen on; 0.0.0.0 for all interfaces, port 0 for any free port."),
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
	TOLL_FIELD_LATER("include_metadata", "request headers are not kept"),
	TOLL_FIELD_REFUSED("tls", "TLS is not available yet: connections would be plaintext; remove it, or end TLS in a proxy before the receiver"),
	TOLL_FIELD_REFUSED("auth", "authenticators are not available yet: every client would be accepted; remove it and restrict who can reach the endpoint"),
	TOLL_FIELD_LATER("middlewares", "there are no middlewares"),
	TOLL_FIELD_END,
};

static const struct toll_field protocol_fields[] = {
	{ .name = "grpc", .type = TOLL_FIELD_GROUP, .group = grpc_fields,
	  .offset = offsetof(struct toll_otlp_config, protocols.grpc)
	          - offsetof(struct toll_otlp_config, protocols),
	  .present = offsetof(struct toll_otlp_config, protocols.grpc.present)
	           - offsetof(struct toll_otlp_config, protocols),
	  .help = "OTLP/gRPC; `grpc:` alone takes the defaults." },
	TOLL_FIELD_LATER("http", "OTLP/HTTP is not available yet: nothing listens for it; point SDKs at grpc"),
	TOLL_FIELD_END,
};

static const struct toll_field fields[] = {
	TOLL_FIELD(struct toll_otlp_config, protocols, GROUP, NULL, "Which protocols to serve.",
	           .group = protocol_fields, .required = true),
	TOLL_FIELD(struct toll_otlp_config, acknowledge, ENUM, "received",
	           "How far a batch must have come before the client hears OK.", .choices = ack_names),
	TOLL_FIELD_END,
};
/* clang-format on */

const struct toll_factory toll_receiver_otlp = {
	.kind = TOLL_RECEIVER,
	.stability = TOLL_BETA,
	.type = "otlp",
	.help = "Receives spans over OTLP/gRPC.",
	.config_size = sizeof(struct toll_otlp_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
