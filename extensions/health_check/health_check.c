/* SPDX-License-Identifier: Apache-2.0 */
/* health_check - tells probes whether the process is ready, and people what state its parts are in.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/schema.h"
#include "net/endpoint.h"
#include "net/http_server.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"

#define LIVENESS "/livez" /* as Kubernetes names its own */

struct health_config {
	struct toll_slice endpoint;
	struct toll_slice path;
};

struct health_check {
	struct toll_extension super;
	const struct health_config *config;
	struct toll_http_server *server;
	struct toll_http_route routes[3];
	uint64_t up_mono_ns, up_wall_ns;
	char setting[128];
};

/* "1h2m3.5s", as Go prints a duration: what the Collector's answer holds. */
static void print_uptime(uint64_t ns, char *buf, size_t size)
{
	uint64_t ms = ns / TOLL_MS, s = ms / 1000, minutes = s / 60;
	int len = 0;

	if (minutes >= 60)
		len = snprintf(buf, size, "%" PRIu64 "h", minutes / 60);
	if (minutes)
		len += snprintf(buf + len, size - (size_t)len, "%" PRIu64 "m", minutes % 60);
	snprintf(buf + len, size - (size_t)len, "%" PRIu64 ".%03" PRIu64 "s", s % 60, ms % 1000);
}

static void answer_probe(void *ctx, const struct toll_http_request *q TOLL_UNUSED,
                         struct toll_http_response *r)
{
	const struct health_check *h = ctx;
	char since[32], uptime[48];

	r->content_type = "application/json";
	if (!toll_host_ready(h->super.super.host)) {
		r->status = 503;
		toll_http_printf(r, "{\"status\":\"Server not available\"}");
		return;
	}
	print_uptime(toll_clock_mono_ns() - h->up_mono_ns, uptime, sizeof(uptime));
	toll_http_printf(r,
	                 "{\"status\":\"Server available\",\"upSince\":\"%s\",\"uptime\":\"%s\"}",
	                 toll_clock_rfc3339(h->up_wall_ns, 1, since, sizeof(since)), uptime);
}

/* Whoever answers is alive, ready or not: what is missing comes by itself, not by a restart. */
static void answer_alive(void *ctx TOLL_UNUSED, const struct toll_http_request *q TOLL_UNUSED,
                         struct toll_http_response *r)
{
	r->content_type = "application/json";
	toll_http_printf(r, "{\"status\":\"alive\"}");
}

static void answer_status(void *ctx, const struct toll_http_request *q TOLL_UNUSED,
                          struct toll_http_response *r)
{
	const struct health_check *h = ctx;
	char *json = toll_host_status_json(h->super.super.host);

	r->content_type = "application/json";
	if (!json || !toll_host_ready(h->super.super.host))
		r->status = 503;
	r->body = json;
	r->len = json ? strlen(json) : 0;
}

static int health_start(struct toll_component *c, struct toll_error *reterr)
{
	struct health_check *h = toll_container_of(c, struct health_check, super.super);
	struct toll_http_settings set = { .endpoint = h->config->endpoint.ptr,
		                          .setting = h->setting,
		                          .thread = "toll-health",
		                          .routes = h->routes,
		                          .route_count = TOLL_COUNT(h->routes) };
	int err;

	if (toll_slice_is(h->config->path, LIVENESS)) /* the user's word comes first */
		set.route_count--;
	h->up_mono_ns = toll_clock_mono_ns();
	h->up_wall_ns = toll_clock_wall_ns();
	err = toll_http_server_new(&set, &h->server, reterr);
	if (err < 0)
		return err;
	TOLL_INFO(c->who, "health is served at %s%s", toll_http_server_url(h->server),
	          h->config->path.ptr);
	return 0;
}

static void health_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct health_check *h = toll_container_of(c, struct health_check, super.super);

	h->server = toll_http_server_free(h->server);
}

static void health_free(struct toll_component *c)
{
	health_shutdown(c, 0);
	free(toll_container_of(c, struct health_check, super.super));
}

static const struct toll_component_ops health_ops = { health_start, health_shutdown, health_free };

static void health_validate(const void *config, struct toll_reporter *r)
{
	const struct health_config *conf = config;
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (toll_endpoint_parse(conf->endpoint, &endpoint, &why) < 0)
		toll_report_error(r, "endpoint", "%s", why.text);
	if (conf->path.len == 0 || conf->path.ptr[0] != '/')
		toll_report_error(r, "path", "must begin with '/'");
	else if (toll_slice_is(conf->path, "/status"))
		toll_report_error(r, "path",
		                  "/status shows the state of every component; "
		                  "choose another path");
}

static int health_create(const struct toll_settings *set, const void *config,
                         struct toll_component **ret, struct toll_error *reterr)
{
	struct health_check *h = calloc(1, sizeof(*h));

	if (!h)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&h->super.super, &health_ops, set);
	h->config = config;
	snprintf(h->setting, sizeof(h->setting), "extensions::%s::endpoint", set->id.text);
	h->routes[0] = (struct toll_http_route){ "GET", h->config->path.ptr, answer_probe, h };
	h->routes[1] = (struct toll_http_route){ "GET", "/status", answer_status, h };
	h->routes[2] = (struct toll_http_route){ "GET", LIVENESS, answer_alive, h };
	*ret = &h->super.super;
	return 0;
}

static const struct toll_field health_fields[] = {
	TOLL_FIELD(struct health_config, endpoint, STRING, "localhost:13133",
	           "Where probes ask, host:port; 0.0.0.0:13133 in a container.", .listens = true),
	TOLL_FIELD(struct health_config, path, STRING, "/", "The path that answers 200 or 503."),
	TOLL_FIELD_LATER("response_body", "the answer's text cannot be chosen"),
	TOLL_FIELD_LATER("check_collector_pipeline", "use /status and the metrics instead"),
	TOLL_FIELD_LATER("tls", "health is served in plain text only"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_health_check = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_BETA,
	.type = "health_check",
	.help = "Answers readiness probes, and at /livez liveness probes; /status shows every "
		"component.",
	.config_size = sizeof(struct health_config),
	.fields = health_fields,
	.validate = health_validate,
	.create = health_create,
};
