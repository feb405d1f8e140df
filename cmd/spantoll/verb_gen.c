/* SPDX-License-Identifier: Apache-2.0 */
/* verb_gen.c - `spantoll gen`: sends a believable shop's traces to any OTLP/gRPC receiver. */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/spantoll/json_text.h"
#include "cmd/spantoll/load.h"
#include "cmd/spantoll/options.h"
#include "cmd/spantoll/traffic.h"
#include "cmd/spantoll/verb.h"

struct gen_options {
	const char *endpoint;
	int64_t rate, traces, services, seed, connections, spans_per_request;
	uint64_t duration;
	bool gzip, json, print_prices;
};

static int out_of_range(const char *name, int64_t value, int64_t min, int64_t max)
{
	if (value >= min && value <= max)
		return 0;
	fprintf(stderr, "spantoll gen: --%s must be from %" PRId64 " to %" PRId64 "\n", name, min,
	        max);
	return 1;
}

static bool options_wrong(const struct gen_options *o)
{
	return out_of_range("connections", o->connections, 1, TOLL_LOAD_CONNECTIONS_LIMIT) +
	               out_of_range("services", o->services, 1, TOLL_SHOP_SERVICES_LIMIT) +
	               out_of_range("spans-per-request", o->spans_per_request, 1, 100000) +
	               out_of_range("rate", o->rate, 0, 100000000) >
	       0;
}

/* SIGINT and SIGTERM are blocked and waited for here, so that a first Ctrl-C still gives the
 * summary; the second one ends at once. */
static void block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
}

static void print_progress(const struct toll_load_totals *t, uint64_t elapsed_ns)
{
	fprintf(stderr,
	        "\r%3" PRIu64 "s  %" PRIu64 " spans accepted, %" PRIu64 " rejected, %" PRIu64
	        " failed  (%.0f/s)\033[K",
	        elapsed_ns / TOLL_S, t->accepted, t->rejected, t->failed,
	        (double)t->accepted * 1e9 / (double)(elapsed_ns ? elapsed_ns : 1));
}

static void wait_for_end(struct toll_load *load, uint64_t begin_ns, sigset_t *signals)
{
	bool terminal = isatty(STDERR_FILENO);

	while (!toll_load_done(load)) {
		const struct timespec tick = { .tv_nsec = 100000000 };
		struct toll_load_totals t;

		if (sigtimedwait(signals, NULL, &tick) > 0) {
			toll_load_stop(load);
			pthread_sigmask(SIG_UNBLOCK, signals, NULL);
		}
		toll_load_totals(load, &t);
		if (terminal)
			print_progress(&t, toll_clock_mono_ns() - begin_ns);
	}
	if (terminal)
		fputs("\r\033[K", stderr);
}

static void print_json(const struct toll_load_totals *t, uint64_t elapsed_ns)
{
	printf("{\"traces\":%" PRIu64 ",\"spans\":%" PRIu64 ",\"requests\":%" PRIu64
	       ",\"bytes\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"rejected\":%" PRIu64
	       ",\"failed\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"seconds\":%.3f,\"problem\":",
	       t->traces, t->spans, t->requests, t->bytes, t->accepted, t->rejected, t->failed,
	       t->retries, (double)elapsed_ns / 1e9);
	toll_json_print(stdout, t->problem);
	fputs("}\n", stdout);
}

static void add_line(struct libscols_table *table, const char *name, uint64_t spans, uint64_t of)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[32];

	if (!line)
		return;
	scols_line_set_data(line, 0, name);
	snprintf(text, sizeof(text), "%" PRIu64, spans);
	scols_line_set_data(line, 1, text);
	snprintf(text, sizeof(text), "%.1f%%", of ? (double)spans * 100.0 / (double)of : 0.0);
	scols_line_set_data(line, 2, text);
}

static void print_table(const struct toll_load_totals *t, uint64_t elapsed_ns)
{
	struct libscols_table *table = scols_new_table();
	double seconds = (double)elapsed_ns / 1e9;

	if (!table)
		return;
	scols_table_new_column(table, "", 1, 0);
	scols_table_new_column(table, "SPANS", 1, SCOLS_FL_RIGHT);
	scols_table_new_column(table, "OF SENT", 1, SCOLS_FL_RIGHT);
	scols_table_set_column_separator(table, "  ");
	add_line(table, "sent", t->spans, t->spans);
	add_line(table, "accepted", t->accepted, t->spans);
	add_line(table, "rejected", t->rejected, t->spans);
	add_line(table, "failed", t->failed, t->spans);
	scols_print_table(table);
	scols_unref_table(table);
	printf("%" PRIu64 " traces in %" PRIu64 " requests, %" PRIu64 " retries, %.1f s, "
	       "%.0f spans/s\n",
	       t->traces, t->requests, t->retries, seconds,
	       seconds > 0 ? (double)t->accepted / seconds : 0.0);
	if (t->problem[0])
		fprintf(stderr, "spantoll gen: the first refusal was: %s\n", t->problem);
}

static int generate(const struct gen_options *o)
{
	const struct toll_load_settings set = {
		.endpoint = o->endpoint,
		.rate = (uint64_t)o->rate,
		.duration_ns = o->duration,
		.traces = (uint64_t)o->traces,
		.connections = (uint32_t)o->connections,
		.spans_per_request = (uint32_t)o->spans_per_request,
		.services = (uint32_t)o->services,
		.seed = (uint64_t)o->seed,
		.gzip = o->gzip,
	};
	struct toll_load_totals totals;
	struct toll_error why;
	struct toll_load *load;
	sigset_t signals;
	uint64_t begin_ns = toll_clock_mono_ns(), elapsed_ns;

	block_signals(&signals);
	if (toll_load_new(&set, &load, &why) < 0) {
		fprintf(stderr, "spantoll gen: %s\n", why.text);
		return TOLL_EXIT_FAILED;
	}
	wait_for_end(load, begin_ns, &signals);
	elapsed_ns = toll_clock_mono_ns() - begin_ns;
	toll_load_totals(load, &totals);
	(o->json ? print_json : print_table)(&totals, elapsed_ns);
	toll_load_free(load);
	return totals.accepted == totals.spans && totals.spans ? TOLL_EXIT_OK : TOLL_EXIT_FAILED;
}

int toll_verb_gen(int argc, char **argv)
{
	struct gen_options o = { .endpoint = "127.0.0.1:4317",
		                 .rate = 1000,
		                 .duration = UINT64_MAX,
		                 .services = TOLL_SHOP_SERVICES,
		                 .seed = 1,
		                 .connections = 1,
		                 .spans_per_request = 100 };
	const struct toll_option options[] = {
		{ "endpoint", "HOST:PORT", "the receiver; default 127.0.0.1:4317",
		  .text = &o.endpoint },
		{ "rate", "SPANS", "spans per second; default 1000, 0: as fast as it goes",
		  .number = &o.rate },
		{ "duration", "TIME", "how long, as in 1m30s; default 10s, 0: until Ctrl-C",
		  .duration = &o.duration },
		{ "traces", "N", "stop after so many traces", .number = &o.traces },
		{ "services", "N", "names to send as; default 12, the shop's",
		  .number = &o.services },
		{ "seed", "N", "the same seed gives the same traces; default 1",
		  .number = &o.seed },
		{ "connections", "N", "connections, each with a thread; default 1",
		  .number = &o.connections },
		{ "spans-per-request", "N", "at most; default 100",
		  .number = &o.spans_per_request },
		{ "gzip", NULL, "compress requests", .flag = &o.gzip },
		{ "json", NULL, "the summary as JSON on stdout", .flag = &o.json },
		{ "print-prices", NULL, "print example prices for this traffic and end",
		  .flag = &o.print_prices },
		TOLL_OPTION_END,
	};
	const struct toll_usage usage = {
		"gen", NULL,
		"Sends the traces of a believable shop: twelve services that call each other over\n"
		"HTTP, databases, queues, the AWS SDK and language models.\n",
		"Exit status: 0 every span was accepted, 1 some were not or nothing was sent.\n",
		options
	};
	int rc = toll_options_parse(&usage, argc, argv, NULL);

	if (rc >= 0)
		return rc;
	if (o.print_prices) {
		toll_traffic_print_prices(stdout);
		return TOLL_EXIT_OK;
	}
	if (o.duration == UINT64_MAX)
		o.duration = o.traces ? 0 : 10 * TOLL_S;
	return options_wrong(&o) ? TOLL_EXIT_USAGE : generate(&o);
}
