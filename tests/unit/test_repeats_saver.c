/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/repeats_saver.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/record.h"
#include "pipeline/record_format.h"
#include "tests/support/journal.h"
#include "tests/unit/unit.h"

enum { RECORDS = 200 };

struct record {
	struct toll_journal_entry entry;
	char payload[TOLL_RECORD_HEAD];
	int answers;
};

struct rig {
	struct disk log, store; /* of the journal, of the digests */
	struct toll_journal *journal;
	struct toll_repeats_saver *saver;
	struct toll_repeats *repeats;
	struct toll_repeats_saver_settings set;
	struct record records[RECORDS];
	uint32_t count;
};

static char lines[4096];

static void keep_line(void *ctx TOLL_UNUSED, const char *line)
{
	size_t used = strlen(lines);

	snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

static void done(struct toll_journal_entry *e, int err)
{
	assert_int_equal(err, 0);
	toll_container_of(e, struct record, entry)->answers++;
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	lines[0] = '\0';
	toll_log_set_sink(keep_line, NULL);
	disk_init(&g->log);
	disk_init(&g->store);
	g->set = (struct toll_repeats_saver_settings){
		.io = &g->store.io,
		.cursor = "deduplicate",
		.who = "journal/test",
		.limits = { .enabled = true, .max_age = 600 * TOLL_S, .max_bytes = 1 << 20 },
		.interval_ns = TOLL_MS,
		.patience_ns = 600 * TOLL_S,
	};
	*state = g;
	return 0;
}

static void start(struct rig *g)
{
	struct toll_journal_settings set = small_journal(&g->log);
	struct toll_error why = { 0 };

	assert_int_equal(toll_journal_open(&set, &g->journal, &why), 0);
	g->set.journal = g->journal;
	if (toll_repeats_saver_open(&g->set, &g->saver, &g->repeats, &why) < 0)
		fail_msg("%s", why.text);
}

static void stop(struct rig *g)
{
	assert_int_equal(toll_repeats_saver_close(g->saver, 0), 0);
	g->repeats = toll_repeats_free(g->repeats);
	assert_int_equal(toll_journal_close(g->journal, 0), 0);
}

static void restart(struct rig *g)
{
	stop(g);
	start(g);
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	disk_destroy(&g->log);
	disk_destroy(&g->store);
	toll_log_set_sink(NULL, NULL);
	free(g);
	return 0;
}

/* Into the journal, as the daemon does before anybody notes it. */
static struct record *append(struct rig *g, const uint64_t digest[2], uint16_t type)
{
	struct record *r = &g->records[g->count++];
	const struct toll_record_head head = { .received_wall_ms = toll_clock_wall_ms(),
		                               .digest = { digest[0], digest[1] } };

	toll_record_head_write(&head, r->payload);
	r->entry = (struct toll_journal_entry){
		.parts = { toll_slice(r->payload, sizeof(r->payload)) },
		.part_count = 1,
		.type = type,
		.done = done,
	};
	assert_int_equal(toll_journal_append(g->journal, &r->entry), 0);
	while (toll_journal_sync_once(g->journal))
		continue;
	assert_int_equal(r->answers, 1);
	return r;
}

static void digest_of(uint64_t id, uint64_t ret[2])
{
	ret[0] = id * UINT64_C(0x9e3779b97f4a7c15);
	ret[1] = id + 1;
}

static void write_down(struct rig *g, uint64_t id)
{
	uint64_t digest[2];

	digest_of(id, digest);
	append(g, digest, TOLL_RECORD_BATCH);
}

static void take(struct rig *g, uint64_t id)
{
	uint64_t digest[2];
	struct record *r;

	digest_of(id, digest);
	r = append(g, digest, TOLL_RECORD_BATCH);
	toll_repeats_saver_note(g->saver, digest, r->entry.end);
}

static bool is_known(struct rig *g, uint64_t id)
{
	struct toll_repeat p = { 0 };
	enum toll_repeats_state state;

	digest_of(id, p.digest);
	state = toll_repeats_begin(g->repeats, &p, NULL);
	if (state == TOLL_REPEATS_NEW)
		toll_repeats_answer(toll_repeats_settle(g->repeats, &p, false), 0);
	return state == TOLL_REPEATS_KNOWN;
}

static uint64_t at_cursor(struct rig *g)
{
	struct toll_journal_cursor *c = NULL;

	assert_int_equal(toll_journal_cursor(g->journal, g->set.cursor, &c), 0);
	return toll_journal_cursor_mark(c).seq;
}

static void what_was_noted_is_known_after_a_restart(void **state)
{
	struct rig *g = *state;

	start(g);
	for (uint64_t i = 0; i < 20; i++)
		take(g, i);
	EVENTUALLY(at_cursor(g) == 20);
	for (int again = 0; again < 2; again++) {
		restart(g);
		for (uint64_t i = 0; i < 20; i++)
			assert_true(is_known(g, i));
		assert_false(is_known(g, 20));
	}
	stop(g);
}

/* As after a crash: nobody had the time to note them. */
static void what_only_the_journal_has_is_known_too(void **state)
{
	struct rig *g = *state;

	start(g);
	take(g, 0);
	EVENTUALLY(at_cursor(g) == 1);
	write_down(g, 1);
	write_down(g, 2);
	restart(g);
	for (uint64_t i = 0; i < 3; i++)
		assert_true(is_known(g, i));
	EVENTUALLY(at_cursor(g) == 3);
	restart(g);
	for (uint64_t i = 0; i < 3; i++)
		assert_true(is_known(g, i));
	stop(g);
}

static void records_of_others_are_passed_by(void **state)
{
	struct rig *g = *state;
	const uint64_t none[2] = { 0 }, strange[2] = { 5, 5 };
	struct toll_repeats_counts n;

	start(g);
	append(g, none, TOLL_RECORD_BATCH);
	append(g, strange, TOLL_RECORD_BATCH + 7);
	restart(g);
	EVENTUALLY(at_cursor(g) == 2);
	toll_repeats_count(g->repeats, &n);
	assert_int_equal(n.known, 0);
	toll_repeats_saver_note(g->saver, none, append(g, none, TOLL_RECORD_BATCH)->entry.end);
	EVENTUALLY(at_cursor(g) == 3);
	stop(g);
}

static void records_stay_until_their_digests_are_saved(void **state)
{
	struct rig *g = *state;

	start(g);
	g->store.fail_syncs = 3;
	g->store.fail_with = EIO;
	take(g, 0);
	assert_int_equal(at_cursor(g), 0);
	EVENTUALLY(at_cursor(g) == 1);
	assert_int_equal(g->store.fail_syncs, 0);
	restart(g);
	assert_true(is_known(g, 0));
	assert_null(strstr(lines, "would count again"));
	stop(g);
}

static void a_disk_that_stays_broken_does_not_fill_the_journal(void **state)
{
	struct rig *g = *state;

	g->set.patience_ns = 20 * TOLL_MS;
	start(g);
	g->store.fail_syncs = INT32_MAX;
	g->store.fail_with = EIO;
	take(g, 0);
	EVENTUALLY(at_cursor(g) == 1);
	EVENTUALLY(strstr(lines, "1 request would count again"));
	g->store.fail_syncs = 0;
	take(g, 1);
	EVENTUALLY(at_cursor(g) == 2);
	restart(g);
	assert_true(is_known(g, 1));
	stop(g);
}

/* The journal keeps what could not be saved at the end. */
static void a_disk_that_fails_at_the_end_costs_nothing(void **state)
{
	struct rig *g = *state;

	g->set.interval_ns = 600 * TOLL_S;
	start(g);
	take(g, 0);
	g->store.fail_syncs = 1;
	g->store.fail_with = EIO;
	restart(g);
	assert_true(is_known(g, 0));
	stop(g);
}

static void too_many_at_once_are_told_and_do_not_stay(void **state)
{
	struct rig *g = *state;
	const uint64_t first[2] = { 1, 1 };
	struct toll_journal_mark end;

	g->set.interval_ns = 600 * TOLL_S;
	g->set.limits.max_bytes = 16 << 20;
	start(g);
	end = append(g, first, TOLL_RECORD_BATCH)->entry.end;
	for (uint64_t i = 0; i < 65536 + 5; i++) {
		uint64_t digest[2];

		digest_of(i, digest);
		toll_repeats_saver_note(g->saver, digest, end);
	}
	restart(g);
	assert_non_null(strstr(lines, "5 requests would count again"));
	assert_true(is_known(g, 65535));
	assert_false(is_known(g, 65536));
	stop(g);
}

static struct disk_file *file_of(struct disk *d, const char *name)
{
	const struct disk_name *n = disk_find(d, name);

	if (!n)
		fail_msg("there is no %s", name);
	return n ? &d->files[n->file] : NULL;
}

static void what_is_damaged_is_told_and_the_rest_is_known(void **state)
{
	struct rig *g = *state;
	struct disk_file *f;

	start(g);
	for (uint64_t i = 0; i < 3; i++) {
		take(g, i);
		EVENTUALLY(at_cursor(g) == i + 1);
	}
	stop(g);
	f = file_of(&g->store, "repeats.1");
	assert_int_equal(f->size, 3 * 4096);
	f->bytes[4096 + 40] ^= 1;
	start(g);
	assert_non_null(strstr(lines, "1 block of the requests known from before cannot be read"));
	assert_true(is_known(g, 0));
	assert_false(is_known(g, 1));
	assert_true(is_known(g, 2));
	stop(g);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_noted_is_known_after_a_restart),
		TEST(what_only_the_journal_has_is_known_too),
		TEST(records_of_others_are_passed_by),
		TEST(records_stay_until_their_digests_are_saved),
		TEST(a_disk_that_stays_broken_does_not_fill_the_journal),
		TEST(a_disk_that_fails_at_the_end_costs_nothing),
		TEST(too_many_at_once_are_told_and_do_not_stay),
		TEST(what_is_damaged_is_told_and_the_rest_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
