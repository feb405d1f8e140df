/* SPDX-License-Identifier: Apache-2.0 */
/* test_admission.c - a request is in its journals before anybody hears OK; what fails on the way
 * fails for all that has no record, in whatever order. */
#include "pipeline/admission.h"

#include <stdio.h>

#include "base/log.h"
#include "pipeline/host.h"
#include "pipeline/journal_private.h"
#include "pipeline/spool.h"
#include "proto/batch.h"
#include "tests/support/fake_exporter.h"
#include "tests/support/journal_disk.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

enum { LEGS = 3, SPANS = 4 };

struct answer {
	struct toll_ack ack;
	unsigned calls;
	int err;
};

/* Three pipelines: two with journals, one without; an exporter of memory in the last. */
struct rig {
	struct toll_host *host;
	struct disk disks[2];
	struct toll_spool *spools[2];
	struct fake_exporter *exporter;
	struct toll_runner *runner;
	struct toll_fanout fanout;
	struct toll_batch *batches[LEGS];
	struct answer answer;
	unsigned accepted[LEGS];
};

static char lines[4096];

static void keep_line(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len = strlen(lines);

	snprintf(lines + len, sizeof(lines) - len, "%s\n", line);
}

static void answered(struct toll_ack *ack, int err)
{
	struct answer *a = toll_container_of(ack, struct answer, ack);

	a->calls++;
	a->err = err;
}

static void count_accepted(void *ctx, struct toll_batch *const *batches, uint64_t which)
{
	struct rig *g = ctx;

	for (unsigned i = 0; i < LEGS; i++) {
		assert_ptr_equal(batches[i], g->batches[i]);
		g->accepted[i] += which >> i & 1;
	}
}

static struct toll_batch *make_batch(uint32_t spans)
{
	struct msg *list[SPANS];
	struct toll_batch *b;

	for (uint32_t i = 0; i < spans; i++)
		list[i] = span_new("op", i, 1000);
	b = batch_of_request(request_of("svc", list, spans));
	toll_batch_seal(b);
	return b;
}

static struct toll_spool *open_spool(struct rig *g, int i)
{
	struct toll_storage storage = { .directory = "/test",
		                        .segment_bytes = 64 << 10,
		                        .max_bytes = 128 << 10,
		                        .sync_interval_ns = TOLL_MS,
		                        .io = &g->disks[i].io,
		                        .by_hand = true };
	struct toll_spool *s = NULL;
	struct toll_error why = { 0 };

	disk_init(&g->disks[i]);
	if (toll_spool_open(g->host, &storage, i ? "b" : "a", &s, &why) < 0)
		fail_msg("%s", why.text);
	return s;
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	lines[0] = '\0';
	toll_log_set_sink(keep_line, NULL);
	g->host = toll_host_new();
	g->exporter = fake_exporter_new();
	g->exporter->set.sending_queue.queue_size = 2;
	g->exporter->hold = true;
	g->answer.ack.done = answered;
	g->answer.ack.level = TOLL_ACK_AUTO;
	for (int i = 0; i < 2; i++)
		g->fanout.spools[i] = g->spools[i] = open_spool(g, i);
	g->fanout.accepted = count_accepted;
	g->fanout.ctx = g;
	g->fanout.batch_count = LEGS;
	for (int i = 0; i < LEGS; i++)
		g->batches[i] = make_batch(SPANS);
	*state = g;
	return 0;
}

static void start(struct rig *g)
{
	g->runner = toll_runner_new(&g->exporter->super, &g->exporter->set);
	assert_non_null(g->runner);
	assert_int_equal(toll_runner_start(g->runner), 0);
	g->fanout.targets[0] =
		(struct toll_fanout_target){ .runner = g->runner, .required = true, .batch = 2 };
	g->fanout.count = 1;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	if (g->runner)
		toll_runner_drain(g->runner, 0);
	for (int i = 0; i < 2; i++) {
		toll_spool_let_go(g->host, g->spools[i]);
		disk_destroy(&g->disks[i]);
	}
	fake_exporter_free(g->exporter);
	toll_runner_free(g->runner);
	for (int i = 0; i < LEGS; i++) {
		assert_int_equal(atomic_load(&g->batches[i]->refs), 1);
		toll_batch_unref(g->batches[i]);
	}
	toll_host_free(g->host);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

static void offer(struct rig *g)
{
	toll_fanout_offer(&g->fanout, g->batches, &g->answer.ack);
}

static void sync_journal(struct rig *g, int i)
{
	while (toll_journal_sync_once(g->spools[i]->journal))
		continue;
}

static uint64_t queued(struct rig *g)
{
	return toll_stat_get(&g->exporter->stats, TOLL_STAT_EXPORTER_QUEUE_SIZE);
}

static uint64_t records(struct rig *g, int i)
{
	return toll_journal_end(g->spools[i]->journal).seq;
}

static void expect(const struct rig *g, unsigned calls, int err)
{
	assert_int_equal(g->answer.calls, calls);
	if (calls)
		assert_int_equal(g->answer.err, err);
}

static void expect_accepted(const struct rig *g, unsigned a, unsigned b, unsigned c)
{
	assert_int_equal(g->accepted[0], a);
	assert_int_equal(g->accepted[1], b);
	assert_int_equal(g->accepted[2], c);
}

static void full_queue(struct rig *g)
{
	for (int n = 0; n < 2; n++) {
		struct toll_batch *b = make_batch(1);

		assert_int_equal(toll_runner_reserve(g->runner, b), 0);
		toll_runner_commit(g->runner, b, NULL);
		toll_batch_unref(b);
	}
}

/* ---- all goes well ---- */

static void ok_comes_when_every_record_is_durable(void **state)
{
	struct rig *g = *state;

	start(g);
	offer(g);
	expect(g, 0, 0);
	assert_int_equal(queued(g), 0);
	sync_journal(g, 1);
	expect(g, 0, 0);
	expect_accepted(g, 0, 1, 0);
	assert_int_equal(queued(g), 0);
	sync_journal(g, 0);
	expect(g, 1, 0);
	expect_accepted(g, 1, 1, 1);
	assert_int_equal(queued(g), 1);
}

static void batches_know_their_records(void **state)
{
	struct rig *g = *state;

	start(g);
	offer(g);
	sync_journal(g, 0);
	sync_journal(g, 1);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(g->batches[i]->origin.epoch,
		                    toll_journal_epoch(g->spools[i]->journal));
		assert_int_equal(g->batches[i]->origin.seq, 0);
		assert_int_equal(toll_journal_end(g->spools[i]->journal).items, SPANS);
	}
	assert_string_equal(g->batches[2]->origin.epoch, "");
}

static void received_does_not_wait_for_the_disk(void **state)
{
	struct rig *g = *state;

	g->answer.ack.level = TOLL_ACK_RECEIVED;
	start(g);
	offer(g);
	expect(g, 1, 0);
	assert_int_equal(queued(g), 0);
	sync_journal(g, 0);
	sync_journal(g, 1);
	expect(g, 1, 0);
	expect_accepted(g, 1, 1, 1);
	assert_int_equal(queued(g), 1);
}

static void exported_waits_for_records_and_exporters(void **state)
{
	struct rig *g = *state;

	g->answer.ack.level = TOLL_ACK_EXPORTED;
	start(g);
	offer(g);
	sync_journal(g, 0);
	sync_journal(g, 1);
	expect(g, 0, 0);
	expect_accepted(g, 1, 1, 0);
	fake_answer(g->exporter, 0);
	toll_runner_drain(g->runner, toll_clock_mono_ns() + PATIENCE_NS);
	expect(g, 1, 0);
	expect_accepted(g, 1, 1, 1);
}

static void batches_that_keep_nothing_are_not_written(void **state)
{
	struct rig *g = *state;

	start(g);
	for (int i = 0; i < 2; i++) {
		toll_batch_unref(g->batches[i]);
		g->batches[i] = make_batch(0);
	}
	offer(g);
	expect(g, 1, 0);
	assert_int_equal(records(g, 0) + records(g, 1), 0);
	assert_int_equal(queued(g), 1);
}

/* ---- what fails ---- */

static void a_full_required_queue_refuses_before_anything_is_written(void **state)
{
	struct rig *g = *state;

	start(g);
	full_queue(g);
	offer(g);
	expect(g, 1, TOLL_EFULL);
	sync_journal(g, 0);
	sync_journal(g, 1);
	assert_int_equal(records(g, 0) + records(g, 1), 0);
	expect_accepted(g, 0, 0, 0);
}

/* The disk of one journal fails from here on. */
static void break_disk(struct rig *g, int i, int with)
{
	g->disks[i].fail_with = with;
	g->disks[i].fail_from = 1;
	g->disks[i].fail_to = INT32_MAX;
}

static void a_sync_that_fails_is_no_ok(void **state)
{
	struct rig *g = *state;

	start(g);
	offer(g);
	break_disk(g, 1, EIO);
	sync_journal(g, 0);
	expect(g, 0, 0);
	sync_journal(g, 1);
	expect(g, 1, TOLL_EJOURNALDOWN);
	assert_true(toll_err_retryable(TOLL_EJOURNALDOWN));
	/* The first is durable, and its digest will make the retry pass it by. */
	expect_accepted(g, 1, 0, 0);
	assert_int_equal(queued(g), 0);
	full_queue(g); /* what was reserved is free again */
}

static void the_other_order_as_well(void **state)
{
	struct rig *g = *state;

	start(g);
	offer(g);
	break_disk(g, 1, EIO);
	sync_journal(g, 1);
	expect(g, 0, 0);
	sync_journal(g, 0);
	expect(g, 1, TOLL_EJOURNALDOWN);
	expect_accepted(g, 1, 0, 0);
	assert_int_equal(queued(g), 0);
	full_queue(g);
}

/* The retry skips what has a record: whoever is fed from memory beside it gets it now, or never. */
static void who_is_beside_a_durable_record_gets_it_though_another_fails(void **state)
{
	struct rig *g = *state;

	g->exporter->set.sending_queue.queue_size = 3;
	start(g);
	g->fanout.targets[1] = (struct toll_fanout_target){ .runner = g->runner, .batch = 0 };
	g->fanout.targets[2] = (struct toll_fanout_target){ .runner = g->runner, .batch = 1 };
	g->fanout.count = 3;
	offer(g);
	break_disk(g, 1, EIO);
	sync_journal(g, 0);
	sync_journal(g, 1);
	expect(g, 1, TOLL_EJOURNALDOWN);
	assert_int_equal(queued(g), 1);
	FAKE_WAIT(g->exporter, g->exporter->held_count == 1);
	assert_ptr_equal(g->exporter->held[0]->parts[0].batch, g->batches[0]);
	fake_answer(g->exporter, 0);
	toll_runner_drain(g->runner, toll_clock_mono_ns() + PATIENCE_NS);
}

/* After a sync that failed, a journal refuses for a while. */
static void make_refuse(struct rig *g, int i)
{
	struct toll_batch *kept = g->batches[2];
	struct toll_batch *none = make_batch(0);

	break_disk(g, i, EIO);
	g->batches[2] = none;
	offer(g);
	sync_journal(g, 0);
	sync_journal(g, 1);
	expect(g, 1, TOLL_EJOURNALDOWN);
	g->batches[2] = kept;
	toll_batch_unref(none);
	g->answer.calls = 0;
	memset(g->accepted, 0, sizeof(g->accepted));
}

static void an_append_that_is_refused_refuses_the_rest(void **state)
{
	struct rig *g = *state;

	start(g);
	make_refuse(g, 0);
	offer(g);
	expect(g, 1, TOLL_EJOURNALDOWN);
	sync_journal(g, 1);
	assert_int_equal(records(g, 1), 1); /* that of make_refuse() */
	expect_accepted(g, 0, 0, 0);
	full_queue(g);
}

static void what_was_appended_before_a_refusal_stays(void **state)
{
	struct rig *g = *state;

	start(g);
	make_refuse(g, 1);
	offer(g);
	expect(g, 0, 0); /* the first may become durable yet: its exporters hear of it first */
	sync_journal(g, 0);
	expect(g, 1, TOLL_EJOURNALDOWN);
	expect_accepted(g, 1, 0, 0);
	assert_int_equal(records(g, 0), 2);
	full_queue(g);
}

static void received_hears_of_a_refusal_after_what_was_appended(void **state)
{
	struct rig *g = *state;

	start(g);
	make_refuse(g, 1);
	g->answer.ack.level = TOLL_ACK_RECEIVED;
	offer(g);
	expect(g, 0, 0); /* who comes again at once must find that one known */
	sync_journal(g, 0);
	expect(g, 1, TOLL_EJOURNALDOWN);
	expect_accepted(g, 1, 0, 0);
	assert_null(strstr(lines, "had heard OK"));
	full_queue(g);
}

static void what_received_had_promised_is_told_when_the_disk_loses_it(void **state)
{
	struct rig *g = *state;

	g->answer.ack.level = TOLL_ACK_RECEIVED;
	start(g);
	offer(g);
	break_disk(g, 0, EIO);
	sync_journal(g, 0);
	sync_journal(g, 1);
	expect(g, 1, 0);
	expect_accepted(g, 0, 1, 1);
	assert_int_equal(queued(g), 1); /* what has no journal is delivered as promised */
	assert_non_null(strstr(lines, "journal/a"));
	assert_non_null(strstr(lines, "lost 4 spans"));
}

static void exported_hears_of_a_disk_that_fails_without_waiting_for_exporters(void **state)
{
	struct rig *g = *state;

	g->answer.ack.level = TOLL_ACK_EXPORTED;
	start(g);
	offer(g);
	break_disk(g, 0, EIO);
	sync_journal(g, 0);
	sync_journal(g, 1);
	expect(g, 1, TOLL_EJOURNALDOWN);
	full_queue(g);
}

static void a_full_journal_says_so(void **state)
{
	struct rig *g = *state;
	struct toll_journal_cursor *c;

	assert_int_equal(toll_journal_cursor(g->spools[0]->journal, "x", &c), 0);
	start(g);
	g->fanout.count = 0;
	for (int i = 0; i < 1000 && (!g->answer.calls || !g->answer.err); i++) {
		g->answer.calls = 0;
		offer(g);
		sync_journal(g, 0);
		sync_journal(g, 1);
	}
	expect(g, 1, TOLL_EJOURNALFULL);
	assert_true(toll_err_retryable(TOLL_EJOURNALFULL));
	assert_int_equal(toll_err_grpc_status(TOLL_EJOURNALFULL), 14);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ok_comes_when_every_record_is_durable),
		TEST(batches_know_their_records),
		TEST(received_does_not_wait_for_the_disk),
		TEST(exported_waits_for_records_and_exporters),
		TEST(batches_that_keep_nothing_are_not_written),
		TEST(a_full_required_queue_refuses_before_anything_is_written),
		TEST(a_sync_that_fails_is_no_ok),
		TEST(the_other_order_as_well),
		TEST(who_is_beside_a_durable_record_gets_it_though_another_fails),
		TEST(an_append_that_is_refused_refuses_the_rest),
		TEST(what_was_appended_before_a_refusal_stays),
		TEST(received_hears_of_a_refusal_after_what_was_appended),
		TEST(what_received_had_promised_is_told_when_the_disk_loses_it),
		TEST(exported_hears_of_a_disk_that_fails_without_waiting_for_exporters),
		TEST(a_full_journal_says_so),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
