/* SPDX-License-Identifier: Apache-2.0 */
/* verb_demo.c - `spantoll demo`: the daemon with generated traffic and a live table, no set-up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/spantoll/daemon.h"
#include "cmd/spantoll/demo_config.h"
#include "cmd/spantoll/load.h"
#include "cmd/spantoll/log_settings.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/screen.h"
#include "cmd/spantoll/setup.h"
#include "cmd/spantoll/traffic.h"
#include "cmd/spantoll/verb.h"
#include "net/endpoint.h"
#include "pipeline/host.h"

struct demo {
	struct toll_demo_settings set;
	int64_t port, http_port, metrics_port, health_port, rate, seed;
	uint64_t duration;
	bool json, plain, print_config;
	char price_file[64];
	struct toll_config *config;
	struct toll_daemon *daemon;
	struct toll_spend_source *spend;
	struct toll_screen *screen;
	struct toll_load *load;
	struct toll_timer *end;
	uint64_t begin_ns;
	bool storm; /* the screen's thread */
	char endpoint[TOLL_ENDPOINT_MAX], footer_lines[3][2 * TOLL_ENDPOINT_MAX + 80];
	const char *footer[4];
};

/* ---- before anything runs ---- */

/* The price processor reads a file: this one exists in memory only. Its descriptor stays open for
 * as long as the process, which is as long as the path is good. */
static int write_prices(struct demo *d)
{
	int fd = memfd_create("spantoll-demo-prices", 0);
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (!f)
		return TOLL_ENOMEM;
	toll_traffic_print_prices(f);
	if (fclose(f) != 0)
		return TOLL_ENOMEM;
	snprintf(d->price_file, sizeof(d->price_file), "/proc/self/fd/%d", fd);
	d->set.price_file = d->price_file;
	return 0;
}

/* Every port is tried before the daemon starts, so that the sentence names the flag that helps; 0
 * is replaced by one that is free. */
static int settle_port(struct demo *d, const char *flag, int64_t wanted, uint16_t *ret)
{
	struct toll_endpoint e;
	struct toll_error why;
	char text[TOLL_ENDPOINT_MAX];
	int fd;

	if (wanted > UINT16_MAX) {
		fprintf(stderr, "spantoll demo: --%s must be from 0 to 65535\n", flag);
		return TOLL_EINVALID;
	}
	snprintf(text, sizeof(text), "%s:%" PRId64, d->set.host, wanted);
	if (toll_endpoint_parse(toll_slice_str(text), &e, &why) < 0 ||
	    toll_endpoint_listen(&e, flag, &fd, ret, &why) < 0) {
		if (why.code == TOLL_EFULL)
			fprintf(stderr,
			        "spantoll demo: %s is in use by another process (a collector?); "
			        "--%s 0 takes a free port\n",
			        text, flag);
		else
			fprintf(stderr, "spantoll demo: %s\n", why.text);
		return TOLL_EDOWN;
	}
	close(fd);
	return 0;
}

static int settle_ports(struct demo *d)
{
	int err = settle_port(d, "port", d->port, &d->set.port);

	if (err == 0)
		err = settle_port(d, "http-port", d->http_port, &d->set.http_port);
	if (err == 0)
		err = settle_port(d, "metrics-port", d->metrics_port, &d->set.metrics_port);
	if (err == 0)
		err = settle_port(d, "health-port", d->health_port, &d->set.health_port);
	return err;
}

static void write_footer(struct demo *d)
{
	struct toll_endpoint e = { .port = d->set.port };
	char grpc[TOLL_ENDPOINT_MAX], metrics[TOLL_ENDPOINT_MAX], health[TOLL_ENDPOINT_MAX];

	snprintf(e.host, sizeof(e.host), "%s", d->set.host);
	toll_endpoint_local_url(&e, grpc);
	snprintf(d->endpoint, sizeof(d->endpoint), "%s", grpc);
	e.port = d->set.metrics_port;
	toll_endpoint_local_url(&e, metrics);
	e.port = d->set.health_port;
	toll_endpoint_local_url(&e, health);
	snprintf(d->footer_lines[0], sizeof(d->footer_lines[0]),
	         "Point an SDK here:  export OTEL_EXPORTER_OTLP_ENDPOINT=http://%s", grpc);
	snprintf(d->footer_lines[1], sizeof(d->footer_lines[1]),
	         "                    export OTEL_EXPORTER_OTLP_PROTOCOL=grpc  (HTTP: port %u)",
	         d->set.http_port);
	snprintf(d->footer_lines[2], sizeof(d->footer_lines[2]),
	         "http://%s/metrics  http://%s/status  Ctrl-C ends", metrics, health);
	for (int i = 0; i < 3; i++)
		d->footer[i] = d->footer_lines[i];
}

static int load_config(struct demo *d)
{
	struct toll_findings findings = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return TOLL_ENOMEM;
	toll_demo_config_print(&d->set, out);
	fclose(out);
	err = toll_setup_load_text(toll_slice(text, len), "demo", &d->config, &findings);
	toll_findings_print(&findings, stderr);
	toll_findings_release(&findings);
	free(text);
	return err;
}

/* ---- while it runs ---- */

static void refuse_throttled(void *ctx, const struct toll_spend_row *r)
{
	if (r->service.len)
		toll_traffic_refuse(ctx, r->service, r->throttled);
}

/* A sender's thread: the storm comes and goes, and throttled services get no calls, as behind a
 * mesh that reads the flag. */
static void make_weather(void *ctx, struct toll_traffic *t)
{
	struct demo *d = ctx;

	toll_traffic_set_storm(t, toll_demo_storm(toll_clock_mono_ns() - d->begin_ns));
	d->spend->each(d->spend, refuse_throttled, t);
}

/* The screen's thread. */
static void tell_story(void *ctx, struct toll_live *live)
{
	struct demo *d = ctx;
	bool storm = d->rate && toll_demo_storm(toll_clock_mono_ns() - d->begin_ns);

	if (storm != d->storm)
		toll_live_event(live, storm ? "the model of ai-assistant is overloaded: it "
		                              "retries and retries"
		                            : "the model of ai-assistant has recovered");
	d->storm = storm;
}

static int start_daemon(struct demo *d, struct toll_error *why)
{
	int err;

	toll_log_settings_follow(&d->config->telemetry);
	err = toll_daemon_new(d->config, &d->daemon, why);
	if (err < 0)
		return err;
	d->spend = toll_host_find(toll_daemon_host(d->daemon), "spend", NULL);
	return d->spend ? 0 : toll_fail(why, TOLL_EINTERNAL, "the enforcer tells no spend");
}

static enum toll_screen_mode choose_mode(const struct demo *d)
{
	if (d->json)
		return TOLL_SCREEN_JSON;
	return d->plain ? TOLL_SCREEN_PLAIN : toll_screen_detect();
}

static int start_screen(struct demo *d, struct toll_error *why)
{
	const struct toll_screen_settings set = { .mode = choose_mode(d),
		                                  .title = "spantoll demo",
		                                  .footer = d->footer,
		                                  .source = d->spend,
		                                  .tick = tell_story,
		                                  .ctx = d };

	if (set.mode == TOLL_SCREEN_PLAIN)
		for (int i = 0; d->footer[i]; i++)
			printf("%s\n", d->footer[i]);
	fflush(stdout);
	d->screen = toll_screen_new(&set);
	return d->screen ? 0 : toll_fail(why, TOLL_ENOMEM, "out of memory");
}

static int start_traffic(struct demo *d, struct toll_error *why)
{
	const struct toll_load_settings set = { .endpoint = d->endpoint,
		                                .rate = (uint64_t)d->rate,
		                                .connections = 1,
		                                .spans_per_request = 100,
		                                .seed = (uint64_t)d->seed,
		                                .persistent = true,
		                                .weather = make_weather,
		                                .ctx = d };

	return d->rate ? toll_load_new(&set, &d->load, why) : 0;
}

static void end_demo(void *ctx)
{
	toll_host_stop(ctx);
}

static int start(struct demo *d, struct toll_error *why)
{
	int err = start_daemon(d, why);
	struct toll_host *host;

	if (err < 0)
		return err;
	host = toll_daemon_host(d->daemon);
	d->begin_ns = toll_clock_mono_ns();
	err = start_screen(d, why);
	if (err == 0)
		err = start_traffic(d, why);
	if (err == 0 && d->duration)
		d->end = toll_host_timer(host, d->duration, 0, end_demo, host);
	return err;
}

/* The terminal first: from here on a second Ctrl-C kills. The enforcer's numbers go last. */
static void stop(struct demo *d)
{
	if (d->screen)
		toll_screen_stop(d->screen);
	toll_host_timer_stop(d->end);
	d->load = toll_load_free(d->load);
	d->daemon = toll_daemon_free(d->daemon);
	d->config = toll_config_free(d->config);
}

static int run(struct demo *d)
{
	struct toll_error why = { 0 };
	int err;

	if (settle_ports(d) < 0)
		return TOLL_EXIT_FAILED;
	write_footer(d);
	if (write_prices(d) < 0 || load_config(d) < 0) {
		fprintf(stderr, "spantoll demo: cannot set up\n");
		return TOLL_EXIT_FAILED;
	}
	err = start(d, &why);
	if (err == 0)
		err = toll_daemon_wait(d->daemon);
	stop(d);
	if (d->screen && err == 0)
		toll_screen_summary(d->screen);
	toll_screen_free(d->screen);
	if (err < 0)
		fprintf(stderr, "spantoll demo: %s\n", why.code ? why.text : toll_err_text(err));
	return err < 0 ? TOLL_EXIT_FAILED : TOLL_EXIT_OK;
}

static int print_config(struct demo *d)
{
	d->set.port = (uint16_t)d->port;
	d->set.http_port = (uint16_t)d->http_port;
	d->set.metrics_port = (uint16_t)d->metrics_port;
	d->set.health_port = (uint16_t)d->health_port;
	d->set.price_file = "prices.json";
	toll_demo_config_print(&d->set, stdout);
	return TOLL_EXIT_OK;
}

int toll_verb_demo(int argc, char **argv)
{
	struct demo d = { .set.host = "127.0.0.1",
		          .port = 4317,
		          .http_port = 4318,
		          .metrics_port = 8888,
		          .health_port = 13133,
		          .rate = 200,
		          .seed = 1 };
	const struct toll_option options[] = {
		{ "port", "PORT", "OTLP/gRPC; default 4317, 0: a free one", .number = &d.port },
		{ "http-port", "PORT", "OTLP/HTTP; default 4318, 0: a free one",
		  .number = &d.http_port },
		{ "metrics-port", "PORT", "default 8888, 0: a free one",
		  .number = &d.metrics_port },
		{ "health-port", "PORT", "default 13133, 0: a free one", .number = &d.health_port },
		{ "host", "ADDRESS", "where all four listen; default 127.0.0.1",
		  .text = &d.set.host },
		{ "rate", "SPANS", "generated per second; default 200, 0: none",
		  .number = &d.rate },
		{ "seed", "N", "of the generated traffic; default 1", .number = &d.seed },
		{ "duration", "TIME", "end after this time, as in 2m; default: Ctrl-C",
		  .duration = &d.duration },
		{ "plain", NULL, "print the table now and then instead of redrawing it",
		  .flag = &d.plain },
		{ "json", NULL, "a JSON line every second, for programs", .flag = &d.json },
		{ "print-config", NULL, "print the configuration it would run with and end",
		  .flag = &d.print_config },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"demo", NULL,
		"The daemon with state in memory, a made-up shop's traffic, and a table of what\n"
		"every service spends. Needs no configuration, no Kafka and no Redis.\n",
		"Watch ai-assistant: its model is overloaded half a minute at a time, the retries\n"
		"cost money, and it is throttled until its average spend is down again.\n",
		options
	};
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	return d.print_config ? print_config(&d) : run(&d);
}
