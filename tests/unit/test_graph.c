/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/graph.h"

#include <stdio.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/host.h"
#include "pipeline/spool.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/support/journal_disk.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

/* What happened, in order: "start exporter/out;" */
static char events[4096];

static void note(const char *what, const char *who)
{
	size_t len = strlen(events);

	snprintf(events + len, sizeof(events) - len, "%s %s;", what, who);
}

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

/* ---- fake components ---- */

static const struct toll_field no_fields[] = { TOLL_FIELD_END };

/* fails: start refuses. */
struct part_config {
	bool fails, refuses;
	int64_t adds;
};

static const struct toll_field part_fields[] = {
	TOLL_FIELD(struct part_config, fails, BOOL, "false", "x"),
	TOLL_FIELD(struct part_config, refuses, BOOL, "false", "x"),
	TOLL_FIELD(struct part_config, adds, INT, "0", "x"),
	TOLL_FIELD_END,
};

struct part {
	union {
		struct toll_component component;
		struct toll_receiver receiver;
		struct toll_processor processor;
		struct toll_connector connector;
		struct toll_extension extension;
	} as;
	const struct part_config *config;
};

static struct toll_receiver *receivers[2];
static unsigned receiver_count;

static int part_start(struct toll_component *c, struct toll_error *reterr)
{
	const struct part *p = toll_container_of(c, struct part, as.component);

	note("start", c->who);
	if (p->config && p->config->fails)
		return toll_fail(reterr, TOLL_EDOWN, "the port is taken");
	return 0;
}

/* Of the exporters' shutdown, in order. */
static struct {
	uint64_t at, deadline;
} stops[8];
static unsigned stop_count;

static void part_shutdown(struct toll_component *c, uint64_t deadline_mono_ns)
{
	note("stop", c->who);
	if (strncmp(c->who, "exporter/", 9) != 0)
		return;
	stops[stop_count].at = toll_clock_mono_ns();
	stops[stop_count++].deadline = deadline_mono_ns;
}

static void part_free(struct toll_component *c)
{
	note("free", c->who);
	free(toll_container_of(c, struct part, as.component));
}

static const struct toll_component_ops part_ops = { part_start, part_shutdown, part_free };

static struct part *part_new(const struct toll_settings *set, const void *config,
                             struct toll_component **ret)
{
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	toll_component_init(&p->as.component, &part_ops, set);
	p->config = config;
	*ret = &p->as.component;
	return p;
}

static int create_receiver(const struct toll_settings *set, const void *config,
                           struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	struct part *p = part_new(set, config, ret);

	p->as.receiver.next = set->next;
	receivers[receiver_count++] = &p->as.receiver;
	return 0;
}

/* Makes every span start later by `adds`. */
static int process(struct toll_processor *self, struct toll_batch *b)
{
	const struct part *p = toll_container_of(&self->super, struct part, as.component);

	if (p->config->refuses)
		return TOLL_EFULL;
	for (uint32_t i = 0; i < b->span_count; i++)
		b->spans[i].start_unix_nano += (uint64_t)p->config->adds;
	return 0;
}

static int create_processor(const struct toll_settings *set, const void *config,
                            struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	part_new(set, config, ret)->as.processor.process = process;
	return 0;
}

/* Of all connectors together. */
static unsigned observed;

static void observe(struct toll_connector *self TOLL_UNUSED, const struct toll_batch *b)
{
	assert_true(b->sealed);
	observed += b->kept_count;
}

static int create_connector(const struct toll_settings *set, const void *config,
                            struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	part_new(set, config, ret)->as.connector.observe = observe;
	return 0;
}

static int create_extension(const struct toll_settings *set, const void *config,
                            struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	part_new(set, config, ret);
	return 0;
}

/* Journals, on a disk in memory. */
static struct disk disk;
static struct toll_storage storage = {
	.directory = "disk", .max_bytes = 1 << 20, .segment_bytes = 64 << 10, .io = &disk.io
};

static int storage_start(struct toll_component *c, struct toll_error *reterr TOLL_UNUSED)
{
	return toll_host_publish(c->host, TOLL_STORAGE, c->id.text, &storage);
}

static void storage_free(struct toll_component *c)
{
	toll_host_withdraw(c->host, &storage);
	part_free(c);
}

static const struct toll_component_ops storage_ops = { storage_start, NULL, storage_free };

static int create_storage(const struct toll_settings *set, const void *config,
                          struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	part_new(set, config, ret);
	(*ret)->ops = &storage_ops;
	return 0;
}

static int create_telemetry(const struct toll_settings *set, const void *config TOLL_UNUSED,
                            struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	part_new(set, NULL, ret);
	return 0;
}

static const void *implied_config(const void *config)
{
	const struct part_config *p = config;

	return p->adds == 42 ? p : NULL;
}

struct out_config {
	int first_member;
	struct toll_exporter_settings common;
};

static const struct toll_field out_fields[] = { TOLL_EXPORTER_FIELDS(struct out_config, "true"),
	                                        TOLL_FIELD_END };

static struct fake_exporter *outs[4];
static unsigned out_count;

static void out_free(struct toll_component *c)
{
	struct toll_exporter *e = toll_container_of(c, struct toll_exporter, super);

	note("free", c->who);
	fake_exporter_free(toll_container_of(e, struct fake_exporter, super));
}

static int out_start(struct toll_component *c, struct toll_error *reterr TOLL_UNUSED)
{
	note("start", c->who);
	return 0;
}

static const struct toll_component_ops out_ops = { out_start, part_shutdown, out_free };

static int create_exporter(const struct toll_settings *set, const void *config TOLL_UNUSED,
                           struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	struct fake_exporter *f = fake_exporter_new();

	toll_component_init(&f->super.super, &out_ops, set);
	outs[out_count++] = f;
	*ret = &f->super.super;
	return 0;
}

static void fold_batch(const void *config, struct toll_batch_settings *set)
{
	const struct part_config *p = config;

	*set = (struct toll_batch_settings){ true, 60 * TOLL_S, p->adds, p->adds };
}

#define FACTORY(kind_, type_, fields_, size_, ...)                                  \
	{                                                                           \
		.kind = (kind_), .type = (type_), .help = "x", .fields = (fields_), \
		.config_size = (size_), ##__VA_ARGS__                               \
	}

static const struct toll_factory factories[] = {
	FACTORY(TOLL_RECEIVER, "in", part_fields, sizeof(struct part_config),
	        .create = create_receiver),
	FACTORY(TOLL_PROCESSOR, "add", part_fields, sizeof(struct part_config),
	        .create = create_processor, .implied_type = "book", .implied = implied_config),
	FACTORY(TOLL_PROCESSOR, "batch", part_fields, sizeof(struct part_config),
	        .fold = fold_batch),
	FACTORY(TOLL_EXPORTER, "out", out_fields, sizeof(struct out_config),
	        .exporter_settings = offsetof(struct out_config, common),
	        .create = create_exporter),
	FACTORY(TOLL_CONNECTOR, "join", part_fields, sizeof(struct part_config),
	        .create = create_connector),
	FACTORY(TOLL_EXTENSION, "book", part_fields, sizeof(struct part_config),
	        .create = create_extension),
	FACTORY(TOLL_EXTENSION, "store", part_fields, sizeof(struct part_config),
	        .create = create_storage, .serves = TOLL_STORAGE),
	FACTORY(TOLL_EXTENSION, "telemetry", no_fields, 0, .create = create_telemetry,
	        .internal = true),
};

static const struct toll_config_type *types(void)
{
	static const enum toll_section sections[] = {
		TOLL_SECTION_RECEIVERS,  TOLL_SECTION_PROCESSORS, TOLL_SECTION_EXPORTERS,
		TOLL_SECTION_CONNECTORS, TOLL_SECTION_EXTENSIONS,
	};
	static struct toll_config_type made[TOLL_COUNT(factories) + 1];

	for (size_t i = 0; i < TOLL_COUNT(factories); i++) {
		const struct toll_factory *f = &factories[i];

		made[i] = (struct toll_config_type){ .section = sections[f->kind],
			                             .type = f->type,
			                             .help = f->help,
			                             .stability = "beta",
			                             .fields = f->fields,
			                             .config_size = f->config_size,
			                             .owner = f,
			                             .internal = f->internal };
	}
	return made;
}

/* ---- rig ---- */

struct rig {
	struct toll_host *host;
	struct toll_config *config;
	struct toll_graph *graph;
	struct toll_error error;
	struct toll_ack ack;
	unsigned answers;
	int err;
};

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop_line, NULL);
	events[0] = '\0';
	receiver_count = out_count = stop_count = observed = 0;
	g->host = toll_host_new();
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	g->graph = toll_graph_free(g->graph);
	g->config = toll_config_free(g->config);
	g->host = toll_host_free(g->host);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

static int build(struct rig *g, const char *yaml)
{
	struct toll_findings findings = { 0 };
	int err = toll_config_load_text(toll_slice_str(yaml), "g.yaml", types(), &g->config,
	                                &findings);

	if (err)
		toll_findings_print(&findings, stderr);
	toll_findings_release(&findings);
	assert_int_equal(err, 0);
	return toll_graph_build(g->config, g->host, &g->graph, &g->error);
}

static void start(struct rig *g, const char *yaml)
{
	assert_int_equal(build(g, yaml), 0);
	assert_int_equal(toll_graph_start(g->graph, &g->error), 0);
}

static void answered(struct toll_ack *ack, int err)
{
	struct rig *g = toll_container_of(ack, struct rig, ack);

	g->answers++;
	g->err = err;
}

static int send_batch(struct rig *g, struct toll_batch *take_batch)
{
	g->ack.done = answered;
	g->answers = 0;
	receivers[0]->next->consume(receivers[0]->next, take_batch, &g->ack);
	assert_int_equal(g->answers, 1);
	toll_batch_unref(take_batch);
	return g->err;
}

static int send(struct rig *g, uint32_t spans)
{
	return send_batch(g, fake_batch_from(spans, 100));
}

static void stop(struct rig *g)
{
	toll_graph_shutdown(g->graph, toll_clock_mono_ns() + 5 * TOLL_S);
}

/* ---- tests ---- */

static const char one_pipeline[] = "receivers: {in: {}}\n"
				   "processors: {add: {adds: 1}, add/2: {adds: 10}}\n"
				   "exporters: {out: {}}\n"
				   "extensions: {book: {}}\n"
				   "service:\n"
				   "  extensions: [book]\n"
				   "  pipelines:\n"
				   "    traces:\n"
				   "      receivers: [in]\n"
				   "      processors: [add, add/2]\n"
				   "      exporters: [out]\n";

static void spans_flow_through_and_are_counted(void **state)
{
	struct rig *g = *state;
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	start(g, one_pipeline);
	assert_true(toll_host_ready(g->host));
	assert_int_equal(send(g, 7), 0);
	stop(g);
	assert_false(toll_host_ready(g->host));
	assert_int_equal(outs[0]->spans, 7);
	assert_int_equal(outs[0]->seen[0].first, 111);
	assert_int_equal(toll_graph_print(g->graph, TOLL_VIEW_TEXT, out), 0);
	fclose(out);
	assert_non_null(
		strstr(text, "processor  add/2                               7            7"));
	assert_non_null(
		strstr(text, "exporter   out                                 7            7"));
	assert_non_null(strstr(text, "pipeline traces: in -> add -> add/2 -> out"));
}

static void what_runs_can_be_printed_by_anybody(void **state)
{
	struct rig *g = *state;
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_int_equal(toll_host_print(g->host, TOLL_VIEW_JSON, out), TOLL_EDOWN);
	start(g, one_pipeline);
	assert_int_equal(send(g, 7), 0);
	stop(g);
	assert_int_equal(toll_host_print(g->host, TOLL_VIEW_JSON, out), 0);
	fclose(out);
	assert_non_null(strstr(text, "{\"kind\":\"exporter\",\"id\":\"out\",\"spans_in\":7,"
	                             "\"spans_out\":7,\"spans_lost\":0,\"queue_size\":0"));
	assert_non_null(strstr(text, "{\"kind\":\"processor\",\"id\":\"add/2\",\"spans_in\":7"));
	assert_non_null(strstr(text, "{\"id\":\"traces\",\"receivers\":[\"in\"],\"processors\":"
	                             "[\"add\",\"add/2\"],\"exporters\":[\"out\"]}"));
	g->graph = toll_graph_free(g->graph);
	assert_int_equal(toll_host_print(g->host, TOLL_VIEW_JSON, stderr), TOLL_EDOWN);
}

static void operation_is_derived_without_any_processor(void **state)
{
	struct rig *g = *state;
	struct toll_batch *b = fake_batch_from(2, 0);

	start(g, one_pipeline);
	g->ack.done = answered;
	receivers[0]->next->consume(receivers[0]->next, b, &g->ack);
	assert_true(toll_slice_is(b->spans[1].operation, "op"));
	assert_true(b->sealed);
	toll_batch_unref(b);
}

static void started_from_the_end_and_stopped_from_the_beginning(void **state)
{
	struct rig *g = *state;

	start(g, one_pipeline);
	stop(g);
	assert_string_equal(events,
	                    "start extension/book;start extension/telemetry;start exporter/out;"
	                    "start processor/add;start processor/add/2;start receiver/in;"
	                    "stop receiver/in;stop processor/add;stop processor/add/2;"
	                    "stop exporter/out;stop extension/book;stop extension/telemetry;");
}

static const char two_pipelines[] =
	"receivers: {in: {}}\n"
	"processors: {add: {adds: 1}, add/2: {adds: 10}}\n"
	"exporters: {out: {}, out/2: {sending_queue: {queue_size: 1}}}\n"
	"service:\n"
	"  pipelines:\n"
	"    traces: {receivers: [in], processors: [add], "
	"exporters: [out]}\n"
	"    traces/2: {receivers: [in], processors: [add/2], "
	"exporters: [out/2]}\n";

static void pipelines_do_not_see_each_other(void **state)
{
	struct rig *g = *state;

	start(g, two_pipelines);
	assert_int_equal(send(g, 3), 0);
	stop(g);
	assert_int_equal(outs[0]->seen[0].first, 101);
	assert_int_equal(outs[1]->seen[0].first, 110);
}

static void full_exporter_of_one_pipeline_refuses_for_all(void **state)
{
	struct rig *g = *state;

	start(g, two_pipelines);
	outs[1]->hold = true;
	assert_int_equal(send(g, 3), 0);
	assert_int_equal(send(g, 3), TOLL_EFULL);
	fake_answer(outs[1], 0);
	stop(g);
	assert_int_equal(outs[0]->spans, 3);
	assert_int_equal(outs[1]->spans, 3);
}

/* in -> add -> out, join; join -> add/2 -> out/2; join -> join/2 -> add/3 -> out/3 */
static const char connected[] =
	"receivers: {in: {}}\n"
	"processors: {add: {adds: 1}, add/2: {adds: 10}, add/3: {adds: 100}}\n"
	"connectors: {join: {}, join/2: {}}\n"
	"exporters: {out: {}, out/2: {}, out/3: {sending_queue: {queue_size: 1}}}\n"
	"service:\n"
	"  pipelines:\n"
	"    traces/last: {receivers: [join/2], processors: [add/3], exporters: [out/3]}\n"
	"    traces/deep: {receivers: [join], exporters: [join/2]}\n"
	"    traces/behind: {receivers: [join], processors: [add/2], exporters: [out/2]}\n"
	"    traces: {receivers: [in], processors: [add], exporters: [out, join]}\n";

static uint64_t first_of(const char *id)
{
	for (unsigned i = 0; i < out_count; i++)
		if (strcmp(outs[i]->super.super.id.text, id) == 0)
			return outs[i]->seen_count == 1 ? outs[i]->seen[0].first : 0;
	return 0;
}

static void what_ends_in_a_connector_goes_on_behind_it(void **state)
{
	struct rig *g = *state;
	struct toll_metrics_writer w = { 0 };

	start(g, connected);
	assert_int_equal(send(g, 3), 0);
	stop(g);
	assert_int_equal(first_of("out"), 101);
	assert_int_equal(first_of("out/2"), 111);
	assert_int_equal(first_of("out/3"), 201);
	assert_int_equal(observed, 6);
	toll_host_metrics_write(g->host, &w);
	assert_non_null(strstr(w.text, "otelcol_connector_consumed_items{connector=\"join\"} 3\n"));
	assert_non_null(strstr(w.text, "otelcol_connector_produced_items{connector=\"join\"} 6\n"));
	assert_non_null(
		strstr(w.text, "otelcol_connector_produced_items{connector=\"join/2\"} 3\n"));
	toll_metrics_release(&w);
}

/* Also in how it stops: nobody before who comes after it. */
static void full_exporter_behind_connectors_refuses_for_all(void **state)
{
	struct rig *g = *state;

	start(g, connected);
	for (unsigned i = 0; i < out_count; i++)
		outs[i]->hold = strcmp(outs[i]->super.super.id.text, "out/3") == 0;
	assert_int_equal(send(g, 3), 0);
	assert_int_equal(send(g, 3), TOLL_EFULL);
	assert_int_equal(observed, 6);
	for (unsigned i = 0; i < out_count; i++)
		if (outs[i]->hold)
			fake_answer(outs[i], 0);
	stop(g);
	assert_int_equal(first_of("out"), 101);
	assert_non_null(strstr(events, "stop receiver/in;stop processor/add/3;"));
	assert_non_null(strstr(events, "stop connector/join/2;stop connector/join;stop exporter/"));
}

static void client_waits_for_exporters_behind_connectors(void **state)
{
	struct rig *g = *state;
	struct toll_batch *b = fake_batch_from(3, 100);

	start(g, connected);
	for (unsigned i = 0; i < out_count; i++)
		outs[i]->hold = strcmp(outs[i]->super.super.id.text, "out/3") == 0;
	g->ack = (struct toll_ack){ .done = answered, .level = TOLL_ACK_EXPORTED };
	receivers[0]->next->consume(receivers[0]->next, b, &g->ack);
	toll_batch_unref(b);
	for (unsigned i = 0; i < out_count; i++)
		FAKE_WAIT(outs[i], outs[i]->seen_count == 1);
	assert_int_equal(g->answers, 0);
	assert_int_equal(observed, 0);
	for (unsigned i = 0; i < out_count; i++)
		if (outs[i]->hold)
			fake_answer(outs[i], 0);
	stop(g);
	assert_int_equal(g->answers, 1);
	assert_int_equal(g->err, 0);
	assert_int_equal(observed, 6);
}

/* Each pipeline ends in two connectors that the next one begins with: twice as many ways each. */
static void ways_through_connectors_are_limited(void **state)
{
	struct rig *g = *state;
	char text[4096] = "receivers: {in: {}}\nexporters: {out: {}}\nconnectors:\n";
	size_t len = strlen(text);

	for (int i = 0; i < 7; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		                        "  join/a%d: {}\n  join/b%d: {}\n", i, i);
	len += (size_t)snprintf(
		text + len, sizeof(text) - len,
		"service:\n  pipelines:\n"
		"    traces: {receivers: [in], exporters: [join/a0, join/b0]}\n"
		"    traces/z: {receivers: [join/a6, join/b6], exporters: [out]}\n");
	for (int i = 0; i < 6; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		                        "    traces/%d: {receivers: [join/a%d, join/b%d], "
		                        "exporters: [join/a%d, join/b%d]}\n",
		                        i, i, i, i + 1, i + 1);
	assert_int_equal(build(g, text), TOLL_ECONFIG);
	assert_non_null(strstr(g->error.text, "receiver/in: more than 64 pipelines"));
}

static void processor_refuses_the_batch(void **state)
{
	struct rig *g = *state;
	struct toll_metrics_writer w = { 0 };

	start(g, "receivers: {in: {}}\nprocessors: {add: {}, add/no: {refuses: true}}\n"
	         "exporters: {out: {}}\nservice: {pipelines: {traces: {receivers: [in], "
	         "processors: [add, add/no], exporters: [out]}}}\n");
	assert_int_equal(send(g, 3), TOLL_EFULL);
	stop(g);
	assert_int_equal(outs[0]->seen_count, 0);
	toll_host_metrics_write(g->host, &w);
	assert_non_null(strstr(w.text, "otelcol_processor_incoming_items{processor=\"add/no\"} 3"));
	assert_non_null(strstr(w.text, "otelcol_processor_outgoing_items{processor=\"add/no\"} 0"));
	toll_metrics_release(&w);
}

static void batch_decides_for_the_exporters(void **state)
{
	struct rig *g = *state;

	start(g, "receivers: {in: {}}\nprocessors: {batch: {adds: 4}}\n"
	         "exporters: {out: {}, out/own: {sending_queue: {batch: {min_size: 0}}}}\n"
	         "service: {pipelines: {traces: {receivers: [in], processors: [batch], "
	         "exporters: [out, out/own]}}}\n");
	assert_int_equal(send(g, 10), 0);
	FAKE_WAIT(outs[0], outs[0]->spans == 8);
	stop(g);
	assert_int_equal(outs[0]->seen_count, 3);
	assert_int_equal(outs[0]->seen[0].spans, 4);
	assert_int_equal(outs[0]->seen[2].spans, 2);
	assert_int_equal(outs[1]->seen_count, 1); /* what the exporter says itself counts */
	assert_int_equal(outs[1]->seen[0].spans, 10);
}

static void settings_may_bring_an_extension_along(void **state)
{
	struct rig *g = *state;

	start(g, "receivers: {in: {}}\nprocessors: {add/a: {adds: 42}, add/b: {}}\n"
	         "exporters: {out: {}}\nservice: {pipelines: {traces: {receivers: [in], "
	         "processors: [add/a, add/b], exporters: [out]}}}\n");
	assert_true(strncmp(events, "start extension/book/add/a;", 27) == 0);
	assert_null(strstr(events, "add/b;start extension"));
}

static void failed_start_names_the_component_and_unwinds(void **state)
{
	struct rig *g = *state;

	assert_int_equal(build(g, "receivers: {in: {fails: true}}\nprocessors: {add: {}}\n"
	                          "exporters: {out: {}}\nservice: {pipelines: {traces: "
	                          "{receivers: [in], processors: [add], exporters: [out]}}}\n"),
	                 0);
	assert_int_equal(toll_graph_start(g->graph, &g->error), TOLL_EDOWN);
	assert_string_equal(g->error.text, "receiver/in: the port is taken");
	assert_non_null(strstr(events, "start receiver/in;stop receiver/in;stop processor/add;"
	                               "stop exporter/out;stop extension/telemetry;"));
	assert_false(toll_host_ready(g->host));
}

static void status_knows_every_component(void **state)
{
	struct rig *g = *state;
	char *text;

	start(g, one_pipeline);
	text = toll_host_status_json(g->host);
	assert_non_null(strstr(text, "\"component\":\"exporter/out\",\"status\":\"ok\""));
	assert_non_null(strstr(text, "\"component\":\"processor/add/2\",\"status\":\"ok\""));
	free(text);
	g->graph = toll_graph_free(g->graph);
	text = toll_host_status_json(g->host);
	assert_non_null(strstr(text, "\"components\":[]"));
	free(text);
}

static const char two_exporters[] = "receivers: {in: {}}\nexporters: {out: {}, out/2: {}}\n"
				    "service: {pipelines: {traces: {receivers: [in], "
				    "exporters: [out, out/2]}}}\n";

static void who_is_done_does_not_wait_for_a_destination_that_is_away(void **state)
{
	struct rig *g = *state;
	uint64_t begin, deadline;

	start(g, two_exporters);
	outs[0]->hold = true;
	assert_int_equal(send(g, 3), 0);
	begin = toll_clock_mono_ns();
	deadline = begin + 10 * TOLL_S;
	toll_graph_shutdown(g->graph, deadline);
	assert_non_null(strstr(events, "stop exporter/out/2;stop exporter/out;"));
	assert_int_equal(stop_count, 2);
	assert_true(stops[0].at < begin + 7 * TOLL_S);
	assert_true(stops[0].deadline < begin + 9 * TOLL_S); /* half of it: the other needs some */
	assert_true(stops[1].at >= begin + 7 * TOLL_S);      /* it was given its time */
	assert_true(stops[1].at < deadline);
	assert_int_equal(stops[1].deadline, deadline);
	assert_false(toll_graph_left_behind(g->graph));
}

/* What a thread that is left behind uses: reachable until the process ends. */
static struct rig left;
static struct rig left_by_reload;
static struct toll_graph_part *volatile left_exporter;

static void what_a_thread_left_behind_uses_is_not_freed(void **state)
{
	struct rig *g = *state;

	start(g, two_exporters);
	outs[0]->block = true;
	assert_int_equal(send(g, 3), 0);
	FAKE_WAIT(outs[0], outs[0]->seen_count == 1);
	toll_graph_shutdown(g->graph, toll_clock_mono_ns() + 100 * TOLL_MS);
	assert_true(toll_graph_left_behind(g->graph));
	assert_non_null(strstr(events, "stop exporter/out/2;"));
	assert_null(strstr(events, "stop exporter/out;")); /* its thread is inside */
	left = *g;
	g->graph = toll_graph_free(g->graph);
	assert_null(strstr(events, "free "));
	g->config = NULL;
	g->host = NULL;
}

static void count_spool(void *ctx, const struct toll_spool *s TOLL_UNUSED)
{
	++*(unsigned *)ctx;
}

/* A reload goes on without whom it left behind; but that one may come back to its journal. */
static void the_journal_of_a_thread_left_behind_stays_open(void **state)
{
	struct rig *g = *state;
	struct toll_spools *all = toll_spools_get(g->host);
	struct msg *span = span_new("op", 1, 1000);
	unsigned open = 0;

	disk_init(&disk);
	start(g, "receivers: {in: {}}\nextensions: {store: {}}\n"
	         "exporters: {out: {sending_queue: {storage: store}}}\n"
	         "service: {extensions: [store], pipelines: {traces: {receivers: [in], "
	         "exporters: [out]}}}\n");
	outs[0]->block = true;
	assert_int_equal(send_batch(g, batch_of_request(request_of("svc", &span, 1))), 0);
	FAKE_WAIT(outs[0], outs[0]->seen_count == 1);
	toll_graph_shutdown(g->graph, toll_clock_mono_ns() + 100 * TOLL_MS);
	left_exporter = toll_graph_find(g->graph, TOLL_EXPORTER, "out");
	toll_graph_dissolve(g->graph);
	g->graph = NULL;
	toll_spools_each(all, "disk", count_spool, &open);
	assert_int_equal(open, 1);
	pthread_mutex_lock(&outs[0]->lock);
	outs[0]->block = false; /* it comes back, and ends */
	pthread_cond_broadcast(&outs[0]->changed);
	pthread_mutex_unlock(&outs[0]->lock);
	pthread_join(outs[0]->caller, NULL); /* nobody else does */
	left_by_reload = *g;
	g->config = NULL;
	g->host = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spans_flow_through_and_are_counted),
		TEST(what_runs_can_be_printed_by_anybody),
		TEST(operation_is_derived_without_any_processor),
		TEST(started_from_the_end_and_stopped_from_the_beginning),
		TEST(pipelines_do_not_see_each_other),
		TEST(full_exporter_of_one_pipeline_refuses_for_all),
		TEST(what_ends_in_a_connector_goes_on_behind_it),
		TEST(full_exporter_behind_connectors_refuses_for_all),
		TEST(client_waits_for_exporters_behind_connectors),
		TEST(ways_through_connectors_are_limited),
		TEST(processor_refuses_the_batch),
		TEST(batch_decides_for_the_exporters),
		TEST(settings_may_bring_an_extension_along),
		TEST(failed_start_names_the_component_and_unwinds),
		TEST(status_knows_every_component),
		TEST(who_is_done_does_not_wait_for_a_destination_that_is_away),
		TEST(what_a_thread_left_behind_uses_is_not_freed),
		TEST(the_journal_of_a_thread_left_behind_stays_open),
	};

	return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
