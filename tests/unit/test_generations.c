/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/generations.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/graph.h"
#include "pipeline/host.h"
#include "tests/support/fake_batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/unit/unit.h"

/* What happened, in order: "+" made, "-" freed. Only the main thread's calls are noted. */
static char events[2048];

static void note(char what, const char *who)
{
	size_t len = strlen(events);

	snprintf(events + len, sizeof(events) - len, "%c%s ", what, who);
}

static void drop_line(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

/* ---- fake components ---- */

struct part_config {
	bool fails; /* to start */
	int64_t adds;
	struct toll_slice book; /* that a processor looks for */
};

static const struct toll_field part_fields[] = {
	TOLL_FIELD(struct part_config, fails, BOOL, "false", "x"),
	TOLL_FIELD(struct part_config, adds, INT, "0", "x"),
	TOLL_FIELD(struct part_config, book, STRING, NULL, "x"),
	TOLL_FIELD_END,
};

struct part {
	union {
		struct toll_component component;
		struct toll_receiver receiver;
		struct toll_processor processor;
	} as;
	const struct part_config *config;
};

static struct toll_receiver *receiver; /* the last one made */
static unsigned ended_processors;

static int part_start(struct toll_component *c, struct toll_error *reterr)
{
	struct part *p = toll_container_of(c, struct part, as.component);

	if (p->config->fails)
		return toll_fail(reterr, TOLL_EDOWN, "the port is taken");
	if (strcmp(c->id.type, "book") == 0)
		return toll_host_publish(c->host, "book", c->id.text, p);
	if (p->config->book.len)
		toll_host_find(c->host, "book",
		               toll_slice_is(p->config->book, "any") ? NULL : p->config->book.ptr);
	return 0;
}

static void part_shutdown(struct toll_component *c, uint64_t deadline_mono_ns TOLL_UNUSED)
{
	toll_host_withdraw(c->host, toll_container_of(c, struct part, as.component));
	ended_processors += strcmp(c->id.type, "add") == 0;
}

static void part_free(struct toll_component *c)
{
	note('-', c->id.text);
	free(toll_container_of(c, struct part, as.component));
}

static const struct toll_component_ops part_ops = { part_start, part_shutdown, part_free };

static int process(struct toll_processor *self, struct toll_batch *b)
{
	const struct part *p = toll_container_of(&self->super, struct part, as.component);

	for (uint32_t i = 0; i < b->span_count; i++)
		b->spans[i].start_unix_nano += (uint64_t)p->config->adds;
	return 0;
}

static int part_create(const struct toll_settings *set, const void *config,
                       struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	struct part *p = calloc(1, sizeof(*p));

	toll_component_init(&p->as.component, &part_ops, set);
	note('+', set->id.text);
	p->config = config;
	if (set->next) {
		p->as.receiver.next = set->next;
		receiver = &p->as.receiver;
	} else if (strcmp(set->id.type, "add") == 0) {
		p->as.processor.process = process;
	}
	*ret = &p->as.component;
	return 0;
}

struct out_config {
	int64_t n;
	struct toll_exporter_settings common;
};

static const struct toll_field out_fields[] = { TOLL_FIELD(struct out_config, n, INT, "0", "x"),
	                                        TOLL_EXPORTER_FIELDS(struct out_config, "true"),
	                                        TOLL_FIELD_END };

static struct fake_exporter *outs[8];
static unsigned out_count;

static void out_free(struct toll_component *c)
{
	struct toll_exporter *e = toll_container_of(c, struct toll_exporter, super);

	note('-', c->id.text);
	fake_exporter_free(toll_container_of(e, struct fake_exporter, super));
}

static const struct toll_component_ops out_ops = { .free = out_free };

static int out_create(const struct toll_settings *set, const void *config TOLL_UNUSED,
                      struct toll_component **ret, struct toll_error *reterr TOLL_UNUSED)
{
	struct fake_exporter *f = fake_exporter_new();

	toll_component_init(&f->super.super, &out_ops, set);
	note('+', set->id.text);
	outs[out_count++] = f;
	*ret = &f->super.super;
	return 0;
}

#define PART(kind_, type_)                                                       \
	{                                                                        \
		.kind = TOLL_##kind_, .type = (type_), .fields = part_fields,    \
		.config_size = sizeof(struct part_config), .create = part_create \
	}

static const struct toll_factory factories[] = {
	PART(RECEIVER, "in"),
	PART(PROCESSOR, "add"),
	PART(EXTENSION, "book"),
	{ .kind = TOLL_EXPORTER,
	  .type = "out",
	  .fields = out_fields,
	  .config_size = sizeof(struct out_config),
	  .exporter_settings = offsetof(struct out_config, common),
	  .create = out_create },
};

static const struct toll_config_type *types(void)
{
	static const enum toll_section sections[] = {
		TOLL_SECTION_RECEIVERS,  TOLL_SECTION_PROCESSORS, TOLL_SECTION_EXPORTERS,
		TOLL_SECTION_CONNECTORS, TOLL_SECTION_EXTENSIONS,
	};
	static struct toll_config_type made[TOLL_COUNT(factories) + 1];

	for (size_t i = 0; i < TOLL_COUNT(factories); i++)
		made[i] = (struct toll_config_type){ .section = sections[factories[i].kind],
			                             .type = factories[i].type,
			                             .fields = factories[i].fields,
			                             .config_size = factories[i].config_size,
			                             .owner = &factories[i] };
	return made;
}

/* ---- rig ---- */

struct rig {
	struct toll_host *host;
	struct toll_generations *generations;
	struct toll_generations_report report;
	struct toll_error error;
	struct toll_ack ack;
	struct toll_timer *timer;
	atomic_uint answers;
	int err;
	unsigned looks;
	bool ended_first;
};

static void retired(void *ctx)
{
	const struct rig *g = ctx;

	if (!toll_generations_retiring(g->generations))
		toll_host_stop(g->host);
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop_line, NULL);
	events[0] = '\0';
	out_count = ended_processors = 0;
	g->host = toll_host_new();
	g->generations = toll_generations_new(g->host, retired, g);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	toll_generations_shutdown(g->generations, toll_clock_mono_ns() + 5 * TOLL_S);
	toll_generations_free(g->generations);
	toll_host_timer_stop(g->timer);
	toll_host_free(g->host);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

/* parts: receivers, processors, exporters, extensions in YAML's flow style; all of them are used.
 */
struct parts {
	const char *in, *add, *out, *book;
	const char *exporter; /* its id; NULL: "out" */
};

static struct toll_config *load(struct parts p)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	const char *out = p.exporter ? p.exporter : "out";
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
	         "receivers: {in: {%s}}\nprocessors: {add: {%s}}\nexporters: {%s: {%s}}\n"
	         "extensions: {book: {%s}}\nservice: {extensions: [book], pipelines: {traces: "
	         "{receivers: [in], processors: [add], exporters: [%s]}}}\n",
	         p.in ? p.in : "", p.add ? p.add : "", out, p.out ? p.out : "",
	         p.book ? p.book : "", out);
	if (toll_config_load_text(toll_slice_str(yaml), "g.yaml", types(), &config, &findings))
		toll_findings_print(&findings, stderr);
	toll_findings_release(&findings);
	assert_non_null(config);
	return config;
}

static void start(struct rig *g, struct parts p)
{
	struct toll_config *config = load(p);

	assert_int_equal(toll_generations_start(g->generations, config, &g->error), 0);
	toll_config_free(config); /* the graph has its own reference */
	events[0] = '\0';
}

static int reload(struct rig *g, struct parts p)
{
	struct toll_config *config = load(p);
	int err = toll_generations_reload(g->generations, config, &g->report, &g->error);

	toll_config_free(config);
	return err;
}

static void run_until_retired(struct rig *g)
{
	assert_int_equal(toll_host_run(g->host, NULL, NULL), 0);
}

static void answered(struct toll_ack *ack, int err)
{
	struct rig *g = toll_container_of(ack, struct rig, ack);

	g->err = err;
	atomic_fetch_add(&g->answers, 1);
}

static void send(struct rig *g, enum toll_ack_level level)
{
	struct toll_batch *b = fake_batch_from(1, 100);

	g->ack = (struct toll_ack){ .done = answered, .level = level };
	receiver->next->consume(receiver->next, b, &g->ack);
	toll_batch_unref(b);
}

/* ---- tests ---- */

static void what_stays_the_same_goes_on(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .add = "adds: 1" });
	assert_int_equal(reload(g, (struct parts){ .add = "book: '', adds: 1" }), 0);
	assert_string_equal(events, "");
	assert_int_equal(g->report.kept, 4);
	assert_string_equal(g->report.names, "");
	run_until_retired(g);
	assert_string_equal(events, "");
	send(g, TOLL_ACK_EXPORTED);
	FAKE_WAIT(outs[0], outs[0]->spans == 1);
	assert_int_equal(outs[0]->seen[0].first, 101);
}

static void what_changes_is_replaced_and_nothing_else(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .add = "adds: 1" });
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 2" }), 0);
	assert_string_equal(events, "+add ");
	assert_int_equal(g->report.changed, 1);
	assert_string_equal(g->report.names, " ~processor/add");
	send(g, TOLL_ACK_RECEIVED); /* at once, not only after the other has retired */
	FAKE_WAIT(outs[0], outs[0]->spans == 1);
	assert_int_equal(outs[0]->seen[0].first, 102);
	run_until_retired(g);
	assert_string_equal(events, "+add -add ");
}

static void who_uses_what_changes_is_replaced_too(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .add = "book: book", .book = "adds: 1" });
	assert_int_equal(reload(g, (struct parts){ .add = "book: book", .book = "adds: 2" }), 0);
	assert_string_equal(events, "+book +add ");
	run_until_retired(g);
	assert_string_equal(events, "+book +add -add -book ");
}

static void who_took_any_service_is_replaced_with_the_extensions(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .add = "book: any", .book = "adds: 1" });
	assert_int_equal(reload(g, (struct parts){ .add = "book: any", .book = "adds: 1" }), 0);
	assert_string_equal(events, "");
	assert_int_equal(reload(g, (struct parts){ .add = "book: any", .book = "adds: 2" }), 0);
	assert_string_equal(events, "+book +add ");
}

static void who_uses_no_service_does_not_care(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .book = "adds: 1" });
	assert_int_equal(reload(g, (struct parts){ .book = "adds: 2" }), 0);
	assert_string_equal(events, "+book ");
	/* The new one is found from now on, although the old one is still there. */
	assert_non_null(toll_host_find(g->host, "book", "book"));
}

static void a_failed_start_is_undone(void **state)
{
	struct rig *g = *state;
	struct toll_graph *before;

	start(g, (struct parts){ .add = "adds: 1" });
	before = toll_generations_current(g->generations);
	assert_int_equal(
		reload(g,
	               (struct parts){ .in = "fails: true", .add = "adds: 2", .book = "adds: 1" }),
		TOLL_EDOWN);
	assert_string_equal(g->error.text, "receiver/in: the port is taken");
	assert_ptr_equal(toll_generations_current(g->generations), before);
	assert_string_equal(events, "+book +add +in ");
	run_until_retired(g);
	assert_string_equal(events, "+book +add +in -in -add -book ");
	assert_non_null(toll_host_find(g->host, "book", "book"));
	assert_int_equal(outs[0]->seen_count, 0);
}

static void answer_later(void *ctx)
{
	struct rig *g = ctx;

	assert_int_equal(toll_generations_retiring(g->generations), 1);
	assert_int_equal(atomic_load(&g->answers), 0);
	fake_answer(outs[0], 0);
}

static void answer_first(void *ctx TOLL_UNUSED)
{
	fake_answer(outs[0], 0);
}

static void a_client_that_waits_keeps_the_way_it_came_by(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .add = "adds: 1" });
	outs[0]->hold = true;
	send(g, TOLL_ACK_EXPORTED);
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 2" }), 0);
	g->timer = toll_host_timer(g->host, 100 * TOLL_MS, 0, answer_later, g);
	run_until_retired(g);
	assert_int_equal(atomic_load(&g->answers), 1);
	assert_int_equal(g->err, 0);
}

static void a_successor_waits_until_the_one_before_has_delivered(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .out = "n: 1" });
	outs[0]->hold = true;
	send(g, TOLL_ACK_RECEIVED);
	FAKE_WAIT(outs[0], outs[0]->held_count == 1);
	assert_int_equal(reload(g, (struct parts){ .out = "n: 2" }), 0);
	send(g, TOLL_ACK_RECEIVED); /* taken, but not delivered yet */
	assert_int_equal(g->err, 0);
	assert_int_equal(outs[1]->seen_count, 0);
	atomic_store(&g->answers, 0);
	g->timer = toll_host_timer(g->host, 50 * TOLL_MS, 0, answer_later, g);
	run_until_retired(g);
	FAKE_WAIT(outs[1], outs[1]->spans == 1);
	assert_string_equal(events, "+out -out ");
}

/* One that was taken out and is back before it had ended: the graph between them has none. */
static void who_comes_back_waits_for_whom_it_was(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ 0 });
	outs[0]->hold = true;
	send(g, TOLL_ACK_RECEIVED);
	FAKE_WAIT(outs[0], outs[0]->held_count == 1);
	assert_int_equal(reload(g, (struct parts){ .exporter = "out/2" }), 0);
	assert_int_equal(reload(g, (struct parts){ 0 }), 0);
	send(g, TOLL_ACK_RECEIVED);
	usleep(50000); /* for what must not happen */
	assert_int_equal(outs[2]->seen_count, 0);
	g->timer = toll_host_timer(g->host, 50 * TOLL_MS, 0, answer_first, g);
	run_until_retired(g);
	FAKE_WAIT(outs[2], outs[2]->spans == 1);
}

/* The graph that failed has the waiting exporter as well, but no say in it. */
static void a_failed_start_does_not_make_a_successor_begin(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .out = "n: 1" });
	outs[0]->hold = true;
	send(g, TOLL_ACK_RECEIVED);
	FAKE_WAIT(outs[0], outs[0]->held_count == 1);
	assert_int_equal(reload(g, (struct parts){ .out = "n: 2" }), 0);
	send(g, TOLL_ACK_RECEIVED);
	assert_int_equal(reload(g, (struct parts){ .in = "fails: true", .out = "n: 2" }),
	                 TOLL_EDOWN);
	atomic_store(&g->answers, 0);
	usleep(50000); /* for what must not happen */
	assert_int_equal(outs[1]->seen_count, 0);
	g->timer = toll_host_timer(g->host, 50 * TOLL_MS, 0, answer_first, g);
	run_until_retired(g);
	FAKE_WAIT(outs[1], outs[1]->spans == 1);
}

static void as_many_retire_as_may_and_no_more(void **state)
{
	struct rig *g = *state;
	char adds[32];

	start(g, (struct parts){ .add = "adds: 0" });
	for (int i = 1; i <= TOLL_GENERATIONS_MAX; i++) {
		snprintf(adds, sizeof(adds), "adds: %d", i);
		assert_int_equal(reload(g, (struct parts){ .add = adds }), 0);
	}
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 99" }), TOLL_EFULL);
	run_until_retired(g);
	assert_int_equal(toll_generations_retiring(g->generations), 0);
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 99" }), 0);
	send(g, TOLL_ACK_RECEIVED);
	FAKE_WAIT(outs[0], outs[0]->spans == 1);
	assert_int_equal(outs[0]->seen[0].first, 199);
}

static void the_end_of_the_process_ends_what_retires(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .out = "n: 1" });
	outs[0]->hold = true;
	send(g, TOLL_ACK_RECEIVED);
	FAKE_WAIT(outs[0], outs[0]->held_count == 1);
	assert_int_equal(reload(g, (struct parts){ .out = "n: 2" }), 0);
	send(g, TOLL_ACK_RECEIVED);
	fake_answer(outs[0], 0);
	toll_generations_shutdown(g->generations, toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(outs[1]->spans, 1);
	assert_false(toll_generations_left_behind(g->generations));
}

static void the_end_of_the_process_ends_what_two_that_retire_share(void **state)
{
	struct rig *g = *state;
	const char *out = "sending_queue: {batch: {min_size: 9, max_size: 9, flush_timeout: 60s}}";

	start(g, (struct parts){ .add = "adds: 1", .out = out });
	send(g, TOLL_ACK_RECEIVED); /* waits for more */
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 2", .out = out }), 0);
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 2", .out = "n: 2" }), 0);
	toll_generations_shutdown(g->generations, toll_clock_mono_ns() + PATIENCE_NS);
	assert_int_equal(outs[0]->spans, 1);
}

static void look_whether_the_processor_has_ended(void *ctx)
{
	struct rig *g = ctx;

	g->looks++;
	if (!ended_processors && g->looks < 20 * PATIENCE_S)
		return;
	g->ended_first = ended_processors && !atomic_load(&g->answers);
	toll_host_timer_stop(g->timer);
	g->timer = NULL;
	fake_answer(outs[0], 0);
}

/* The client of the first graph may wait for long: the second one retires nevertheless. */
static void who_waits_for_a_last_answer_holds_up_nobody(void **state)
{
	struct rig *g = *state;

	start(g, (struct parts){ .add = "adds: 1" });
	outs[0]->hold = true;
	send(g, TOLL_ACK_EXPORTED);
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 1" }), 0);
	assert_int_equal(reload(g, (struct parts){ .add = "adds: 2" }), 0);
	g->timer =
		toll_host_timer(g->host, 0, 50 * TOLL_MS, look_whether_the_processor_has_ended, g);
	run_until_retired(g);
	assert_true(g->ended_first);
	assert_int_equal(atomic_load(&g->answers), 1);
	assert_string_equal(events, "+add -add ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_stays_the_same_goes_on),
		TEST(what_changes_is_replaced_and_nothing_else),
		TEST(who_uses_what_changes_is_replaced_too),
		TEST(who_took_any_service_is_replaced_with_the_extensions),
		TEST(who_uses_no_service_does_not_care),
		TEST(a_failed_start_is_undone),
		TEST(a_client_that_waits_keeps_the_way_it_came_by),
		TEST(a_successor_waits_until_the_one_before_has_delivered),
		TEST(who_comes_back_waits_for_whom_it_was),
		TEST(a_failed_start_does_not_make_a_successor_begin),
		TEST(as_many_retire_as_may_and_no_more),
		TEST(the_end_of_the_process_ends_what_retires),
		TEST(the_end_of_the_process_ends_what_two_that_retire_share),
		TEST(who_waits_for_a_last_answer_holds_up_nobody),
	};

	return cmocka_run_group_tests_name("generations", tests, NULL, NULL);
}
