/* SPDX-License-Identifier: Apache-2.0 */
/* sink - the otlp receiver with nothing behind it: what receiving alone costs.
 * sink GRPC_PORT [WORKERS [HTTP_PORT]] */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/batch.h"
#include "receivers/otlp/otlp.h"

extern const struct toll_factory toll_receiver_otlp;

static _Atomic uint64_t spans;

static void consume(struct toll_consumer *self TOLL_UNUSED, struct toll_batch *batch,
                    struct toll_ack *ack)
{
	atomic_fetch_add_explicit(&spans, batch->kept_count, memory_order_relaxed);
	ack->done(ack, 0);
}

static void serve_http(struct toll_otlp_http_config *http, const char *port, int64_t workers)
{
	static char endpoint[32];

	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%s", port);
	*http = (struct toll_otlp_http_config){ .endpoint = toll_slice_str(endpoint),
		                                .traces_url_path = TOLL_SLICE("/v1/traces"),
		                                .max_request_body_size = 4 << 20,
		                                .max_connections = 64,
		                                .workers = workers,
		                                .keep_alives_enabled = true,
		                                .present = true };
}

int main(int argc, char **argv)
{
	struct toll_host *host = toll_host_new();
	struct toll_stats stats = { 0 };
	struct toll_consumer next = { consume };
	struct toll_settings set = { .id = { "otlp", "", "otlp" },
		                     .who = "receiver/otlp",
		                     .host = host,
		                     .stats = &stats,
		                     .next = &next };
	struct toll_otlp_config config = { 0 };
	struct toll_component *c = NULL;
	struct toll_error error;
	char endpoint[32];

	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%s", argc > 1 ? argv[1] : "0");
	config.protocols.grpc.present = true;
	config.protocols.grpc.endpoint = toll_slice_str(endpoint);
	config.protocols.grpc.max_recv_msg_size_mib = 4;
	config.protocols.grpc.workers = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
	if (argc > 3)
		serve_http(&config.protocols.http, argv[3], config.protocols.grpc.workers);
	if (!host || toll_receiver_otlp.create(&set, &config, &c, &error) < 0 ||
	    c->ops->start(c, &error) < 0 || toll_host_run(host, NULL, NULL) < 0) {
		fprintf(stderr, "sink: %s\n", error.text);
		return 1;
	}
	c->ops->shutdown(c, toll_clock_mono_ns() + 5 * TOLL_S);
	c->ops->free(c);
	toll_host_free(host);
	fprintf(stderr, "%llu spans\n", (unsigned long long)spans);
	return 0;
}
