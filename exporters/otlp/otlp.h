/* SPDX-License-Identifier: Apache-2.0 */
/* otlp.h - the exporter's parts: otlp.c has its life, shipment.c sends, trouble.c tells of it. */
#ifndef TOLL_EXPORTERS_OTLP_OTLP_H
#define TOLL_EXPORTERS_OTLP_OTLP_H

#include <pthread.h>
#include <stdatomic.h>

#include "exporters/otlp/pem.h"
#include "exporters/otlp/settings.h"
#include "net/grpc_client.h"
#include "pipeline/host.h"

/* No request is larger, but one of a single span: what every gRPC server takes. */
#define TOLL_OTLP_OUT_REQUEST_MAX ((size_t)4 << 20)

enum toll_otlp_out_loss {
	TOLL_OTLP_OUT_LOST_REJECTED = 0, /* partial_success */
	TOLL_OTLP_OUT_LOST_REFUSED,      /* a status that forbids to try again */
	TOLL_OTLP_OUT_LOST_TOO_LARGE,    /* a span that alone is over the destination's limit */
	TOLL_OTLP_OUT_LOSSES,
};

struct toll_otlp_out {
	struct toll_exporter super;
	const struct toll_otlp_out_config *config;
	char target[TOLL_OTLP_OUT_TARGET_MAX];
	struct toll_otlp_out_pems pems; /* start, then the runner's thread */
	struct toll_grpc_client *client;
	atomic_bool stopping;
	atomic_size_t request_max; /* bytes; shrinks when the destination takes less */
	pthread_mutex_t lock;      /* guards degraded, why */
	bool degraded;
	char why[256];
	_Atomic uint64_t lost[TOLL_OTLP_OUT_LOSSES]; /* spans */
	struct toll_metrics_source metrics;
	bool listed; /* among the host's metrics */
};

/* ---- shipment.c ---- */

/* As toll_exporter.export_parts. */
int toll_otlp_out_ship(struct toll_otlp_out *o, struct toll_delivery *d) TOLL_MUST_CHECK;

/* ---- trouble.c ---- any thread */

/* The destination does not take what it is sent. Logs, and tells /status, when that is news. */
void toll_otlp_out_trouble(struct toll_otlp_out *o, const char *status, struct toll_slice message);
void toll_otlp_out_well(struct toll_otlp_out *o);
void toll_otlp_out_collect(struct toll_metrics_source *self, struct toll_metrics_writer *w);

#endif
