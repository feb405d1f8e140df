/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_spool.c - which pipelines have a journal and who follows it; a graph ends although a
 * disk does not come back. */
#include <stdio.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph_private.h"
#include "pipeline/journal_private.h"
#include "proto/batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/support/journal_disk.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

/* ---- components ---- */

static struct toll_receiver *receiver;

static void nothing_freed(struct toll_component *c TOLL_UNUSED)
{
}

static const struct toll_component_ops receiver_ops = { NULL, NULL, nothing_freed };

static int create_receiver(const struct toll_settings *set, const void *config TOLL_UNUSED,
                           struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	static struct toll_receiver one;

	one = (struct toll_receiver){ .next = set->next };
	toll_component_init(&one.super, &receiver_ops, set);
	receiver = &one;
	*ret = &one.super;
	return 0;
}

struct out_config {
	bool accounts;
	struct toll_exporter_settings common;
};

static const struct toll_field out_fields[] = {
	TOLL_FIELD(struct out_config, accounts, BOOL, "false", "x"),
	TOLL_EXPORTER_FIELDS(struct out_config, "false"),
	TOLL_FIELD_END,
};

static void out_free(struct toll_component *c)
{
	struct toll_exporter *e = toll_container_of(c, struct toll_exporter, super);

	fake_exporter_free(toll_container_of(e, struct fake_exporter, super));
}

static const struct toll_component_ops out_ops = { NULL, NULL, out_free };

static int create_exporter(const struct toll_settings *set, const void *config,
                           struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	struct fake_exporter *f = fake_exporter_new();

	toll_component_init(&f->super.super, &out_ops, set);
	f->super.accounts = ((const struct out_config *)config)->accounts;
	*ret = &f->super.super;
	return 0;
}

/* A storage on a disk in memory, whose journals are synced by the test. */
static struct disk disk;

struct store {
	struct toll_extension super;
	struct toll_storage storage;
};

struct store_config {
	int64_t max_size;
};

static const struct toll_field store_fields[] = {
	TOLL_FIELD(struct store_config, max_size, INT, "1048576", "x"),
	TOLL_FIELD_END,
};

static struct store *store_of(struct toll_component *c)
{
	return toll_container_of(c, struct store, super.super);
}

static int store_start(struct toll_component *c, struct toll_error *reterr TOLL_UNUSED)
{
	return toll_host_publish(c->host, TOLL_STORAGE, c->id.text, &store_of(c)->storage);
}

static void store_shutdown(struct toll_component *c, uint64_t deadline TOLL_UNUSED)
{
	toll_host_withdraw(c->host, &store_of(c)->storage);
}

static void store_free(struct toll_component *c)
{
	free(store_of(c));
}

static const struct toll_component_ops store_ops = { store_start, store_shutdown, store_free };

static int create_store(const struct toll_settings *set, const void *config,
                        struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	struct store *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	toll_component_init(&s->super.super, &store_ops, set);
	s->storage = (struct toll_storage){
		.directory = "/test",
		.max_bytes = (uint64_t)((const struct store_config *)config)->max_size,
		.segment_bytes = 64 << 10,
		.sync_interval_ns = TOLL_MS,
		.io = &disk.io,
		.by_hand = true,
	};
	*ret = &s->super.super;
	return 0;
}

static const struct toll_field no_fields[] = { TOLL_FIELD_END };
static const struct toll_factory source = { .kind = TOLL_RECEIVER,
	                                    .type = "in",
	                                    .help = "x",
	                                    .config_size = 1,
	                                    .fields = no_fields,
	                                    .create = create_receiver };
static const struct toll_factory sink = {
	.kind = TOLL_EXPORTER,
	.type = "out",
	.help = "x",
	.config_size = sizeof(struct out_config),
	.fields = out_fields,
	.exporter_settings = offsetof(struct out_config, common),
	.create = create_exporter,
};
static const struct toll_factory store = { .kind = TOLL_EXTENSION,
	                                   .type = "store",
	                                   .help = "x",
	                                   .config_size = sizeof(struct store_config),
	                                   .fields = store_fields,
	                                   .serves = TOLL_STORAGE,
	                                   .create = create_store };

static const struct toll_config_type types[] = {
	{ .section = TOLL_SECTION_RECEIVERS,
	  .type = "in",
	  .help = "x",
	  .stability = "x",
	  .fields = no_fields,
	  .config_size = 1,
	  .owner = &source },
	{ .section = TOLL_SECTION_EXPORTERS,
	  .type = "out",
	  .help = "x",
	  .stability = "x",
	  .fields = out_fields,
	  .config_size = sizeof(struct out_config),
	  .owner = &sink },
	{ .section = TOLL_SECTION_EXTENSIONS,
	  .type = "store",
	  .help = "x",
	  .stability = "x",
	  .fields = store_fields,
	  .config_size = sizeof(struct store_config),
	  .owner = &store },
	{ .type = NULL },
};

/* ---- rig ---- */

struct rig {
	struct toll_host *host;
	struct toll_graph *graph;
	struct toll_ack ack;
	unsigned answers;
	int err;
};

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop_line, NULL);
	disk_init(&disk);
	g->host = toll_host_new();
	*state = g;
	return g->host ? 0 : -1;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	g->graph = toll_graph_free(g->graph);
	g->host = toll_host_free(g->host);
	disk_destroy(&disk);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

#define CONFIG(exporters, names, more)                                                    \
	"receivers: {in: }\n"                                                             \
	"exporters: {" exporters "}\n"                                                    \
	"extensions: {store: {" more "}}\n"                                               \
	"service: {extensions: [store], telemetry: {metrics: {level: none}}, pipelines: " \
	"{traces: {receivers: [in], exporters: [" names "]}}}\n"
#define STORED "sending_queue: {storage: store}"

static struct toll_graph *build(struct rig *g, const char *yaml, const struct toll_graph *prev)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	struct toll_graph *graph = NULL;
	struct toll_error why = { 0 };
	int err = toll_config_load_text(toll_slice_str(yaml), "g.yaml", types, &config, &findings);

	if (err)
		toll_findings_print(&findings, stderr);
	toll_findings_release(&findings);
	assert_int_equal(err, 0);
	if (toll_graph_build_next(config, g->host, prev, &graph, &why) < 0)
		fail_msg("%s", why.text);
	toll_config_free(config);
	return graph;
}

static void start(struct rig *g, const char *yaml)
{
	struct toll_error why = { 0 };

	g->graph = build(g, yaml, NULL);
	if (toll_graph_start(g->graph, &why) < 0)
		fail_msg("%s", why.text);
}

static void answered(struct toll_ack *ack, int err)
{
	struct rig *g = toll_container_of(ack, struct rig, ack);

	g->answers++;
	g->err = err;
}

static void send(struct rig *g)
{
	struct msg *span = span_new("op", 1, 1000);
	struct toll_batch *b = batch_of_request(request_of("svc", &span, 1));

	g->ack = (struct toll_ack){ .done = answered, .level = TOLL_ACK_AUTO };
	receiver->next->consume(receiver->next, b, &g->ack);
	toll_batch_unref(b);
}

static void sync_journal(const struct rig *g)
{
	while (toll_journal_sync_once(g->graph->spools[0].spool->journal))
		continue;
}

static const struct toll_graph_part *exporter(const struct toll_graph *g, const char *id)
{
	return toll_graph_find(g, TOLL_EXPORTER, id);
}

static bool follows(const struct rig *g, const char *id)
{
	const struct toll_graph_part *p = exporter(g->graph, id);

	return p->lane_count == 1 && p->lanes[0].follows;
}

/* ---- tests ---- */

static void who_is_required_or_adds_up_or_names_the_storage_follows(void **state)
{
	struct rig *g = *state;

	start(g,
	      CONFIG("out: {" STORED "}, out/r: {required: true}, out/a: {accounts: true}, out/n: ",
	             "out, out/r, out/a, out/n", ""));
	assert_true(follows(g, "out"));
	assert_true(follows(g, "out/r"));
	assert_true(follows(g, "out/a"));
	assert_false(follows(g, "out/n"));
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(toll_journal_cursor_at(g->graph->spools[0].spool->journal, i));
	assert_null(toll_journal_cursor_at(g->graph->spools[0].spool->journal, 3));
}

static void without_a_storage_nobody_follows(void **state)
{
	struct rig *g = *state;

	start(g, CONFIG("out: {required: true, sending_queue: {enabled: false, storage: store}}",
	                "out", ""));
	assert_null(g->graph->spools[0].spool);
	assert_int_equal(exporter(g->graph, "out")->lane_count, 0);
}

static void ok_waits_for_the_disk_of_the_pipeline(void **state)
{
	struct rig *g = *state;

	start(g, CONFIG("out: {" STORED "}", "out", ""));
	send(g);
	assert_int_equal(g->answers, 0);
	sync_journal(g);
	assert_int_equal(g->answers, 1);
	assert_int_equal(g->err, 0);
}

static void a_disk_that_does_not_come_back_does_not_keep_the_end(void **state)
{
	struct rig *g = *state;
	uint64_t begin;

	start(g, CONFIG("out: {" STORED "}", "out", ""));
	send(g);
	begin = toll_clock_mono_ns();
	toll_graph_shutdown(g->graph, begin + TOLL_S / 2);
	assert_true(toll_clock_mono_ns() - begin < PATIENCE_NS);
	assert_true(toll_graph_left_behind(g->graph));
	assert_int_equal(g->answers, 0);
	/* What it wakes up with may use all of the graph: it is there. */
	sync_journal(g);
	assert_int_equal(g->answers, 1);
}

/* As a reload does it. */
static struct toll_graph *next_of(struct rig *g, const char *yaml)
{
	struct toll_graph *next = build(g, yaml, g->graph);
	struct toll_error why = { 0 };
	struct toll_graph_part *p;

	TOLL_EACH_PART(p, next, TOLL_EXPORTER)
	if (!p->started)
		toll_runner_hold(p->runner);
	TOLL_EACH_PART(p, g->graph, TOLL_EXTENSION)
	atomic_store(&p->tag.hidden, !toll_graph_has(next, p));
	if (toll_graph_start_parts(next, &why) < 0)
		fail_msg("%s", why.text);
	return next;
}

static void the_same_storage_keeps_exporters_and_journal(void **state)
{
	struct rig *g = *state;
	struct toll_graph *next;

	start(g, CONFIG("out: {" STORED "}", "out", ""));
	next = next_of(g, CONFIG("out: {" STORED "}, out/b: ", "out, out/b", ""));
	assert_ptr_equal(exporter(next, "out"), exporter(g->graph, "out"));
	assert_ptr_equal(next->spools[0].spool, g->graph->spools[0].spool);
	toll_graph_shutdown(next, toll_clock_mono_ns() + TOLL_S);
	toll_graph_dissolve(next);
}

static void another_size_is_another_storage_and_the_same_journal(void **state)
{
	struct rig *g = *state;
	struct toll_graph *next;

	start(g, CONFIG("out: {" STORED "}", "out", ""));
	next = next_of(g, CONFIG("out: {" STORED "}", "out", "max_size: 2097152"));
	assert_ptr_not_equal(exporter(next, "out"), exporter(g->graph, "out"));
	assert_ptr_equal(next->spools[0].spool, g->graph->spools[0].spool);
	assert_int_equal(next->spools[0].spool->max_bytes, 1 << 20);
	toll_graph_limit_spools(next);
	assert_int_equal(next->spools[0].spool->max_bytes, 2 << 20);
	toll_graph_shutdown(next, toll_clock_mono_ns() + TOLL_S);
	toll_graph_dissolve(next);
}

static void cursors_of_exporters_that_are_gone_are_forgotten(void **state)
{
	struct rig *g = *state;
	struct toll_journal *j;
	struct toll_journal_cursor *c;

	start(g, CONFIG("out: {" STORED "}", "out", ""));
	j = g->graph->spools[0].spool->journal;
	assert_int_equal(toll_journal_cursor(j, "out/gone", &c), 0);
	toll_graph_forget_cursors(g->graph);
	assert_string_equal(toll_journal_cursor_name(toll_journal_cursor_at(j, 0)), "out");
	assert_null(toll_journal_cursor_at(j, 1));
}

static uint64_t patience_of(const struct rig *g, const char *exporter)
{
	return toll_graph_find(g->graph, TOLL_EXPORTER, exporter)
	        ->set.retry_on_failure.max_elapsed_time;
}

/* What clients have heard OK for is given up only where somebody has said so. */
static void whoever_follows_tries_for_ever_unless_told_otherwise(void **state)
{
	struct rig *g = *state;

	start(g, CONFIG("out/a: {" STORED "}, out/b: {" STORED
	                ", retry_on_failure: {max_elapsed_time: 300s}}, out/c: {required: true}, "
	                "out/d: ",
	                "out/a, out/b, out/c, out/d", ""));
	assert_int_equal(patience_of(g, "out/a"), 0);
	assert_int_equal(patience_of(g, "out/b"), 300 * TOLL_S);
	assert_int_equal(patience_of(g, "out/c"), 0);
	assert_int_equal(patience_of(g, "out/d"), 300 * TOLL_S); /* fed from memory */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_required_or_adds_up_or_names_the_storage_follows),
		TEST(without_a_storage_nobody_follows),
		TEST(whoever_follows_tries_for_ever_unless_told_otherwise),
		TEST(ok_waits_for_the_disk_of_the_pipeline),
		TEST(a_disk_that_does_not_come_back_does_not_keep_the_end),
		TEST(the_same_storage_keeps_exporters_and_journal),
		TEST(another_size_is_another_storage_and_the_same_journal),
		TEST(cursors_of_exporters_that_are_gone_are_forgotten),
	};

	return cmocka_run_group_tests_name("graph_spool", tests, NULL, NULL);
}
