/* SPDX-License-Identifier: Apache-2.0 */
/* zpages - pages to look inside a running daemon, and the level of its log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "config/schema.h"
#include "extensions/zpages/explain.h"
#include "extensions/zpages/page.h"
#include "extensions/zpages/prices.h"
#include "extensions/zpages/unpriced.h"
#include "net/endpoint.h"
#include "net/http_server.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "pipeline/trace.h"

struct zpages_config {
	struct toll_slice endpoint;
	int64_t trace_every, recent_mib;
};

struct zpages {
	struct toll_extension super;
	const struct zpages_config *config;
	struct toll_http_server *server;
	struct toll_http_route routes[10];
	char setting[128];
};

/* ---- the pages ---- */

static char *print_graph(struct toll_host *h, enum toll_view_format format)
{
	struct toll_page t;
	char *text;
	int err;

	if (!toll_page_open(&t))
		return NULL;
	err = toll_host_print(h, format, t.out);
	text = toll_page_close(&t);
	if (err) {
		free(text);
		return NULL;
	}
	return text;
}

static void answer_pipelines(void *ctx, const struct toll_http_request *q,
                             struct toll_http_response *r)
{
	const struct zpages *z = ctx;
	struct toll_host *h = z->super.super.host;

	if (toll_page_wants(q, "json", "application/json"))
		toll_page_answer(r, "application/json", print_graph(h, TOLL_VIEW_JSON));
	else
		toll_page_answer_text(q, "pipelines", print_graph(h, TOLL_VIEW_TEXT), r);
}

static void answer_traces(void *ctx, const struct toll_http_request *q,
                          struct toll_http_response *r)
{
	const struct zpages *z = ctx;
	struct toll_page t;
	int err;

	if (!toll_page_open(&t)) {
		toll_page_answer(r, NULL, NULL);
		return;
	}
	err = toll_trace_print(toll_host_trace(z->super.super.host), t.out);
	toll_page_answer_text(q, "spans", toll_page_close(&t), r);
	if (err)
		r->status = 503;
}

static void answer_unpriced(void *ctx, const struct toll_http_request *q,
                            struct toll_http_response *r)
{
	const struct zpages *z = ctx;

	toll_zpages_unpriced(toll_host_unpriced(z->super.super.host), q, r);
}

static void answer_explain(void *ctx, const struct toll_http_request *q,
                           struct toll_http_response *r)
{
	const struct zpages *z = ctx;

	toll_zpages_explain(toll_host_recent(z->super.super.host), q, r);
}

static void answer_service(void *ctx, const struct toll_http_request *q,
                           struct toll_http_response *r)
{
	const struct zpages *z = ctx;
	struct toll_host *h = z->super.super.host;
	uint64_t started = toll_host_started_wall_ns(h), now = toll_clock_wall_ns();
	struct toll_page t;
	char since[32];

	toll_clock_rfc3339(started, 1, since, sizeof(since));
	if (!toll_page_open(&t)) {
		toll_page_answer(r, NULL, NULL);
		return;
	}
	fprintf(t.out,
	        "version   " TOLL_VERSION "\ninstance  %s\nstarted   %s\nuptime    %" PRIu64
	        " s\nready     %s\nlog level %s\n",
	        toll_host_instance(h), since, now > started ? (now - started) / TOLL_S : 0,
	        toll_host_ready(h) ? "yes" : "no", toll_log_level_name(toll_log_level()));
	toll_page_answer_text(q, "service", toll_page_close(&t), r);
}

/* /status of health_check has it for all components; here for people who paste the Collector's. */
static void answer_status(void *ctx, const struct toll_http_request *q TOLL_UNUSED,
                          struct toll_http_response *r)
{
	const struct zpages *z = ctx;

	toll_page_answer(r, "application/json", toll_host_status_json(z->super.super.host));
}

static void answer_log(void *ctx TOLL_UNUSED, const struct toll_http_request *q,
                       struct toll_http_response *r)
{
	char *text = NULL;

	if (asprintf(&text, "%s\n", toll_log_level_name(toll_log_level())) < 0)
		text = NULL;
	toll_page_answer_text(q, "log level", text, r);
}

/* PUT: a page of another site cannot make a browser send it. */
static void set_log(void *ctx, const struct toll_http_request *q, struct toll_http_response *r)
{
	const struct zpages *z = ctx;
	const char *asked = toll_http_query(q, "level");
	enum toll_log_level level;

	if (!asked || !toll_log_parse_level(asked, &level)) {
		r->status = 400;
		toll_http_printf(r, "level must be one of debug, info, warn, error: "
		                    "PUT /debug/logz?level=debug\n");
		return;
	}
	toll_log_set_level(level);
	TOLL_WARN(z->super.super.who, "the log level is %s from here on", asked);
	toll_http_printf(r, "%s\n", asked);
}

static void confirm_prices(void *ctx, const struct toll_http_request *q,
                           struct toll_http_response *r)
{
	const struct zpages *z = ctx;

	toll_zpages_confirm_prices(z->super.super.host, q, r);
}

/* ---- life ---- */

static int zpages_start(struct toll_component *c, struct toll_error *reterr)
{
	struct zpages *z = toll_container_of(c, struct zpages, super.super);
	struct toll_http_settings set = { .endpoint = z->config->endpoint.ptr,
		                          .setting = z->setting,
		                          .thread = "toll-zpages",
		                          .routes = z->routes,
		                          .route_count = TOLL_COUNT(z->routes) };
	int err = toll_http_server_new(&set, &z->server, reterr);

	if (err < 0)
		return err;
	toll_trace_watch(toll_host_trace(c->host), (uint32_t)z->config->trace_every);
	toll_recent_watch(toll_host_recent(c->host), (size_t)z->config->recent_mib << 20);
	TOLL_INFO(c->who, "debug pages are served at %s/", toll_http_server_url(z->server));
	return 0;
}

static void zpages_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	struct zpages *z = toll_container_of(c, struct zpages, super.super);

	if (z->server) {
		toll_trace_unwatch(toll_host_trace(c->host));
		toll_recent_unwatch(toll_host_recent(c->host));
	}
	z->server = toll_http_server_free(z->server);
}

static void zpages_free(struct toll_component *c)
{
	zpages_shutdown(c, 0);
	free(toll_container_of(c, struct zpages, super.super));
}

static const struct toll_component_ops ops = { zpages_start, zpages_shutdown, zpages_free };

static void validate(const void *config, struct toll_reporter *r)
{
	const struct zpages_config *conf = config;
	struct toll_endpoint endpoint;
	struct toll_error why;

	if (toll_endpoint_parse(conf->endpoint, &endpoint, &why) < 0)
		toll_report_error(r, "endpoint", "%s", why.text);
}

static int create(const struct toll_settings *set, const void *config, struct toll_component **ret,
                  struct toll_error *reterr)
{
	struct zpages *z = calloc(1, sizeof(*z));

	if (!z)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->who);
	toll_component_init(&z->super.super, &ops, set);
	z->config = config;
	snprintf(z->setting, sizeof(z->setting), "extensions::%s::endpoint", set->id.text);
	z->routes[0] = (struct toll_http_route){ "GET", "/debug/servicez", answer_service, z };
	z->routes[1] = (struct toll_http_route){ "GET", "/debug/pipelinez", answer_pipelines, z };
	z->routes[2] = (struct toll_http_route){ "GET", "/debug/extensionz", answer_status, z };
	z->routes[3] = (struct toll_http_route){ "GET", "/debug/logz", answer_log, z };
	z->routes[4] = (struct toll_http_route){ "PUT", "/debug/logz", set_log, z };
	z->routes[5] = (struct toll_http_route){ "GET", "/debug/tracez", answer_traces, z };
	z->routes[7] = (struct toll_http_route){ "GET", "/debug/explainz", answer_explain, z };
	z->routes[6] = (struct toll_http_route){ "GET", "/debug/unpricedz", answer_unpriced, z };
	z->routes[8] = (struct toll_http_route){ "GET", "/", toll_page_index, z };
	z->routes[9] = (struct toll_http_route){ "PUT", "/debug/pricebookz", confirm_prices, z };
	*ret = &z->super.super;
	return 0;
}

static const struct toll_field fields[] = {
	TOLL_FIELD(struct zpages_config, endpoint, STRING, "localhost:55679",
	           "Where the pages are served. They tell much and ask for no password: keep it "
	           "local.",
	           .listens = true),
	TOLL_FIELD(struct zpages_config, trace_every, INT, "1000",
	           "/debug/tracez follows a span of one batch in so many; 0: none.", .min = 0,
	           .max = 1000000000),
	TOLL_FIELD(struct zpages_config, recent_mib, INT, "4",
	           "Of the last requests so many MiB are kept, for /debug/explainz; 0: none.",
	           .min = 0, .max = 1024),
	TOLL_FIELD_LATER("expvar", "the metrics are at service::telemetry::metrics"),
	TOLL_FIELD_LATER("tls", "debug pages are served in plain text only"),
	TOLL_FIELD_END,
};

const struct toll_factory toll_extension_zpages = {
	.kind = TOLL_EXTENSION,
	.stability = TOLL_ALPHA,
	.type = "zpages",
	.help = "Debug pages: what runs, spans and times per component; changes the log level.",
	.config_size = sizeof(struct zpages_config),
	.fields = fields,
	.validate = validate,
	.create = create,
};
