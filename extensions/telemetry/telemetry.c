/* SPDX-License-Identifier: Apache-2.0 */
/* telemetry - serves the program's own metrics to Prometheus. Every configuration has one: it comes
 * from service.telemetry.metrics and is not named under extensions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "config/config.h"
#include "net/endpoint.h"
#include "net/http_server.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

#define SETTING "service::telemetry::metrics"

struct telemetry {
	struct toll_extension super;
	const struct toll_config_telemetry *config;
	struct toll_http_server *server;
	struct toll_http_route routes[1];
};

static void answer_scrape(void *ctx, const struct toll_http_request *q TOLL_UNUSED,
                          struct toll_http_response *r)
{
	const struct telemetry *t = ctx;
	struct toll_metrics_writer w = { .type_suffix = !t->config->without_type_suffix };

	toll_host_metrics_write(t->super.super.host, &w);
	if (w.failed) {
		toll_metrics_release(&w);
		r->status = 503;
		return;
	}
	r->content_type = "text/plain; version=0.0.4; charset=utf-8";
	r->body = w.text;
	r->len = w.len;
}

/* The scraper must be told which setting moves the port: 8888 is often taken by another agent. */
static int listen_for_scrapes(struct telemetry *t, const char *endpoint, struct toll_error *reterr)
{
	struct toll_http_settings set = { .endpoint = endpoint,
		                          .setting = SETTING,
		                          .thread = "toll-metrics",
		                          .routes = t->routes,
		                          .route_count = TOLL_COUNT(t->routes) };
	struct toll_error why;
	int err = toll_http_server_new(&set, &t->server, &why);

	if (err == TOLL_EFULL)
		return toll_fail(reterr, err,
		                 SETTING ": %s is taken already; set "
		                         "readers[0].pull.exporter.prometheus.port, or level: none",
		                 endpoint);
	if (err < 0)
		return toll_fail(reterr, err, "%s", why.text);
	return 0;
}

static int telemetry_start(struct toll_component *c, struct toll_error *reterr)
{
	struct telemetry *t = toll_container_of(c, struct telemetry, super.super);
	const struct toll_slice host = t->config->metrics_host;
	char endpoint[TOLL_ENDPOINT_MAX];
	int err;

	if (!t->config->metrics_enabled)
		return 0;
	snprintf(endpoint, sizeof(endpoint),
	         host.len && memchr(host.ptr, ':', host.len) ? "[%.*s]:%" PRId64 : "%.*s:%" PRId64,
	         TOLL_FMT(host), t->config->metrics_port);
	err = listen_for_scrapes(t, endpoint, reterr);
	if (err < 0)
		return err;
	TOLL_INFO(c->who, "metrics are served at %s/metrics", toll_http_server_url(t->server));
	return 0;
}

static void telemetry_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct telemetry *t = toll_container_of(c, struct telemetry, super.super);

	t->server = toll_http_server_free(t->server);
}

static void telemetry_free(struct toll_component *c)
{
	telemetry_shutdown(c, 0);
	free(toll_container_of(c, struct telemetry, super.super));
}

static const struct toll_component_ops telemetry_ops = { telemetry_start, telemetry_shutdown,
	                                                 telemetry_free };

static int telemetry_create(const struct toll_settings *set, const void *config,
                            struct toll_component **ret, struct toll_error *reterr)
{
	struct telemetry *t = calloc(1, sizeof(*t));

	if (!t)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&t->super.super, &telemetry_ops, set);
	t->config = config;
	t->routes[0] = (struct toll_http_route){ "GET", "/metrics", answer_scrape, t };
	*ret = &t->super.super;
	return 0;
}

/* The settings are service.telemetry's: the graph copies them here. */
static const struct toll_field telemetry_fields[] = {
	TOLL_FIELD(struct toll_config_telemetry, metrics_enabled, BOOL, "true", "Serve metrics."),
	TOLL_FIELD(struct toll_config_telemetry, metrics_host, STRING, "localhost",
	           "Where Prometheus asks."),
	TOLL_FIELD(struct toll_config_telemetry, metrics_port, INT, "8888",
	           "Where Prometheus asks.", .min = 0, .max = 65535),
	TOLL_FIELD(struct toll_config_telemetry, without_type_suffix, BOOL, "true",
	           "Counters do not end in _total."),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_telemetry = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "telemetry",
	.internal = true,
	.help = "Serves the program's own metrics; made from service.telemetry.metrics.",
	.config_size = sizeof(struct toll_config_telemetry),
	.fields = telemetry_fields,
	.create = telemetry_create,
};
