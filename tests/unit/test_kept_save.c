/* SPDX-License-Identifier: Apache-2.0 */
/* test_kept_save.c - an enforcer that is killed, or whose power goes, counts every record once: a
 * model of a journal, a store and a clock, random lives, and an oracle that adds up everything
 * once. What one life has and the next one finds is looked at by itself as well. */
#include "exporters/enforcer/checkpoint/kept_save.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "exporters/enforcer/checkpoint/checkpoint_save.h"
#include "exporters/enforcer/totals/fold.h"
#include "pipeline/host.h"
#include "proto/batch.h"
#include "tests/support/dice.h"
#include "tests/support/enforcer.h"
#include "tests/support/journal_disk.h"
#include "tests/unit/unit.h"

enum { RECORDS = 600, NAMES = 14, SPANS = 3, KEYS = 4096, WORLDS = 25, LIVES = 25, MAX_NAMES = 8 };

#define EPOCH    "00112233445566778899aabbccddeeff"
#define START_MS (TEST_NOW_MS - 3600 * UINT64_C(1000))

/* ---- the journal ---- */

struct record {
	uint32_t name[SPANS];
	int64_t pico[SPANS];
	uint64_t ms;
};

static struct record journal[RECORDS];
static uint64_t journal_end, cursor;

/* ---- the store: absolute totals of every instance ---- */

struct published {
	char key[160];
	int64_t bucket;
	toll_i128 nano;
};

static struct published store[KEYS];
static uint32_t store_count;

/* ---- the enforcer ---- */

static struct enforcer_rig rig;
static struct toll_host *host;
static struct toll_kept *kept;
static struct disk disk;
static int who;

static int start(const char *instance)
{
	struct toll_budget_settings budgets = toll_enforcer_budget_settings(&rig.config);
	struct toll_kept_plan plan = { &rig.rules, &budgets, MAX_NAMES, "exporter/enforcer" };
	struct toll_error error;
	int err;

	kept = toll_kept_of(host, "enforcer", &rig.rules, MAX_NAMES);
	assert_non_null(kept);
	kept->shown = calloc(1, sizeof(*kept->shown));
	snprintf(kept->instance, sizeof(kept->instance), "%s", instance);
	err = toll_kept_open(kept, &disk.io, &plan, &error);
	if (!err)
		assert_true(
			toll_kept_take_turn(kept, &who, &rig.rules, MAX_NAMES, TOLL_STORE_REDIS));
	return err;
}

/* Nothing is written any more. */
static void kill_it(void)
{
	struct toll_shown *shown = kept->shown;

	toll_host_let_go(host, kept);
	free(shown);
	kept = NULL;
}

static int setup(void **state TOLL_UNUSED)
{
	struct toll_error error;

	toll_log_set_level(TOLL_LOG_ERROR);
	rig_init(&rig);
	rig_budget(&rig, "*", 500, 86400, TOLL_MODE_ENFORCE);
	rig_budget(&rig, "a*", 50, 18000, TOLL_MODE_ENFORCE);
	assert_int_equal(rig_rules(&rig, &error), 0);
	host = toll_host_new();
	disk_init(&disk);
	disk.fail_with = EIO;
	journal_end = cursor = store_count = 0;
	assert_int_equal(start("first"), 0);
	return 0;
}

static int teardown(void **state TOLL_UNUSED)
{
	if (kept)
		kill_it();
	toll_host_free(host);
	disk_destroy(&disk);
	rig_release(&rig);
	return 0;
}

/* ---- spans ---- */

static void fold_spans(uint64_t seq, uint32_t first, uint32_t count)
{
	static char names[SPANS][16];
	struct toll_resource resources[SPANS] = { 0 };
	struct toll_span spans[SPANS] = { 0 };
	struct toll_batch batch = { .resources = resources,
		                    .spans = spans,
		                    .resource_count = SPANS,
		                    .span_count = SPANS,
		                    .received_wall_ms = journal[seq].ms,
		                    .origin = { EPOCH, seq } };
	struct toll_part part = { &batch, first, count };

	for (uint32_t i = 0; i < SPANS; i++) {
		snprintf(names[i], sizeof(names[i]), "%c-svc", 'a' + (int)journal[seq].name[i]);
		resources[i].service = toll_slice_str(names[i]);
		spans[i] = (struct toll_span){ .resource = i,
			                       .cost_state = TOLL_COST_PRICED,
			                       .cost_pico = journal[seq].pico[i],
			                       .adjusted_count = 1 };
	}
	toll_fold_part(&kept->totals, &part, batch.received_wall_ms);
}

/* Now and then in two parts. False: the second one comes in the next life. */
static bool fold(uint64_t seq)
{
	uint32_t first = pick(4) ? 0 : 1 + pick(SPANS - 1);

	if (first)
		fold_spans(seq, 0, first);
	if (first && pick(3) == 0)
		return false;
	fold_spans(seq, first, SPANS - first);
	return true;
}

static void append(void)
{
	struct record *r = &journal[journal_end];

	if (journal_end == RECORDS)
		return;
	r->ms = START_MS + pick(3600) * UINT64_C(1000);
	for (uint32_t i = 0; i < SPANS; i++) {
		r->name[i] = pick(NAMES);
		r->pico[i] = 1 + pick(1000000);
	}
	journal_end++;
}

static toll_i128 all_spent(void)
{
	toll_i128 sum = 0;

	for (uint64_t i = 0; i < journal_end; i++)
		for (uint32_t k = 0; k < SPANS; k++)
			sum += journal[i].pico[k];
	return sum;
}

/* From the cursor on, as far as the next life has come. */
static void fold_all(void)
{
	for (uint64_t i = cursor; i < journal_end; i++)
		fold_spans(i, 0, SPANS);
}

/* ---- publishing ---- */

static struct published *store_at(const struct toll_service *s, uint32_t window, int64_t bucket)
{
	char key[160];

	snprintf(key, sizeof(key), "%.60s|%.20s|%.60s.%u", s->key.ptr,
	         kept->rules.windows[window].name, kept->instance, s->accounts[window].life);
	for (uint32_t i = 0; i < store_count; i++)
		if (store[i].bucket == bucket && strcmp(store[i].key, key) == 0)
			return &store[i];
	assert_true(store_count < KEYS);
	store[store_count] = (struct published){ .bucket = bucket };
	memcpy(store[store_count].key, key, sizeof(key));
	return &store[store_count++];
}

/* As publish.c does it: what is saved. An answer may be lost, or never have been sent. */
static void publish(uint32_t lost_percent)
{
	for (uint32_t i = 0; i < kept->totals.count; i++)
		for (uint32_t w = 0; w < kept->rules.window_count; w++) {
			struct toll_series *s = &kept->totals.services[i]->accounts[w].series;

			for (uint32_t b = 0; b < s->count; b++) {
				struct published *p;

				if (s->at[b].saved <= s->at[b].sent || pick(100) < lost_percent)
					continue;
				p = store_at(kept->totals.services[i], w, s->at[b].index);
				if (s->at[b].saved > p->nano)
					p->nano = s->at[b].saved;
				if (pick(100) >= lost_percent)
					s->at[b].sent = s->at[b].saved;
			}
		}
}

static toll_i128 published_of(const char *window)
{
	char part[32];
	toll_i128 sum = 0;

	snprintf(part, sizeof(part), "|%s|", window);
	for (uint32_t i = 0; i < store_count; i++)
		if (strstr(store[i].key, part))
			sum += store[i].nano;
	return sum;
}

static toll_i128 carried(void)
{
	toll_i128 sum = 0;

	for (uint32_t i = 0; i < kept->totals.count; i++)
		sum += kept->totals.services[i]->accounts[0].series.carry_pico;
	return sum;
}

static void assert_everything_once(void)
{
	toll_i128 published = published_of("24h") * 1000 + carried(), spent = all_spent();

	if (published != spent)
		fail_msg("published %lld picodollars of %lld", (long long)published,
		         (long long)spent);
}

/* ---- lives ---- */

/* The cursor may be anywhere up to what is durable. */
static void move_cursor(void)
{
	uint64_t durable = toll_kept_durable_seq(kept, EPOCH);

	assert_true(durable <= journal_end);
	if (durable > cursor)
		cursor += pick((uint32_t)(durable - cursor) + 1);
}

/* Other budgets: another window comes or goes, or another rule decides. */
static void change_rules(void)
{
	struct toll_error error;

	rig.config.budgets.count = 1 + pick(2);
	rig.budgets[1].window = (pick(2) ? 18000 : 36000) * TOLL_S;
	rig.budgets[0].limit = (int64_t)(100 + pick(3)) * TEST_USD;
	assert_int_equal(rig_rules(&rig, &error), 0);
}

static void reload(void)
{
	change_rules();
	toll_kept_leave_turn(kept, &who);
	assert_true(toll_kept_take_turn(kept, &who, &rig.rules, MAX_NAMES, TOLL_STORE_REDIS));
}

static void save(void)
{
	toll_kept_save(kept, "exporter/enforcer");
}

/* The process is killed at this call to the disk, or later. */
static void save_and_die(void)
{
	disk.fail_from = disk.calls + 1 + pick(6);
	disk.fail_to = LONG_MAX;
	save();
	if (!disk.failed && pick(2))
		publish(pick(100));
	disk.fail_from = disk.fail_to = 0;
	disk.failed = false;
	kill_it();
}

/* Somebody that only other daemons know takes a place: which names are kept apart is not for the
 * journal alone to say. */
static void meet_a_guest(void)
{
	char name[16];

	snprintf(name, sizeof(name), "guest-%u", pick(NAMES));
	toll_totals_lock(&kept->totals);
	(void)toll_totals_meet(&kept->totals, toll_slice_str(name));
	toll_totals_unlock(&kept->totals);
}

/* False: the life ends here. */
static bool fold_next(uint64_t *at)
{
	if (*at == journal_end)
		append();
	return *at == journal_end || fold((*at)++);
}

/* False: the life ends here. */
static bool step(uint64_t *at)
{
	bool goes_on = true;

	switch (pick(8)) {
	case 0:
		save();
		move_cursor();
		return true;
	case 1:
		save();
		if (pick(8) == 0)
			reload();
		if (pick(2))
			goes_on = fold_next(at);
		publish(pick(100));
		return goes_on;
	case 2:
		if (pick(4) == 0)
			reload();
		else
			meet_a_guest();
		return true;
	case 3:
		append();
		return true;
	default:
		return fold_next(at);
	}
}

static void live(uint64_t *at)
{
	uint32_t steps = 5 + pick(40);

	while (steps > 0 && step(at))
		steps--;
}

static void die_and_start(void)
{
	if (pick(3) == 0)
		save_and_die();
	else
		kill_it();
	if (pick(4) == 0)
		change_rules();
	assert_int_equal(start("another"), 0);
	assert_string_equal(kept->instance, "first");
}

/* Another journal and store. */
static void begin_world(void)
{
	kill_it();
	disk_destroy(&disk);
	disk_init(&disk);
	disk.fail_with = EIO;
	journal_end = cursor = store_count = 0;
	assert_int_equal(start("first"), 0);
}

static void every_record_counts_once(void **state TOLL_UNUSED)
{
	for (uint32_t world = 0; world < WORLDS; world++) {
		begin_world();
		for (uint32_t i = 0; i < LIVES; i++) {
			uint64_t at = cursor;

			live(&at);
			die_and_start();
		}
		fold_all();
		save();
		publish(0);
		assert_everything_once();
		assert_int_equal(toll_kept_durable_seq(kept, EPOCH), journal_end);
	}
}

/* ---- by itself ---- */

static struct toll_account *day_of(const char *key)
{
	uint32_t *at = toll_table_find(&kept->totals.by_key, toll_slice_str(key));

	if (!at)
		fail_msg("%s is not known", key);
	return &kept->totals.services[at ? *at : 0]->accounts[0];
}

static void spend(uint64_t seq, uint32_t name, int64_t pico)
{
	journal[seq] = (struct record){ .name = { name, name, name },
		                        .pico = { pico, 0, 0 },
		                        .ms = START_MS };
	fold_spans(seq, 0, SPANS);
}

static void a_restart_goes_on_as_the_same(void **state TOLL_UNUSED)
{
	spend(0, 0, 5400);
	save();
	day_of("a-svc")->chain = 17;
	day_of("a-svc")->series.at[0].sent = 3;
	snprintf(day_of("a-svc")->generation, 40, "12.34");
	kept->seq = 99;
	spend(1, 0, 1000);
	save();
	spend(2, 0, 7000); /* nobody has heard of it */
	kill_it();
	assert_int_equal(start("another"), 0);
	assert_string_equal(kept->instance, "first");
	assert_true(kept->seq > 99 + 1000000);
	assert_true(day_of("a-svc")->series.at[0].nano == 6);
	assert_true(day_of("a-svc")->series.at[0].sent == 3);
	assert_int_equal(day_of("a-svc")->series.carry_pico, 400);
	assert_int_equal(day_of("a-svc")->chain, 17);
	assert_string_equal(day_of("a-svc")->generation, "12.34");
	assert_true(day_of("a-svc")->dirty);
	assert_int_equal(toll_kept_durable_seq(kept, EPOCH), 2);
	fold_spans(0, 0, SPANS);
	fold_spans(1, 0, SPANS);
	assert_int_equal(kept->totals.repeated_spans, 2 * SPANS);
	fold_spans(2, 0, SPANS);
	assert_true(day_of("a-svc")->series.at[0].nano == 13);
	save();
	assert_int_equal(toll_kept_durable_seq(kept, EPOCH), 3);
	assert_int_equal(toll_kept_durable_seq(kept, "ff"), 0);
}

static void budgets_set_at_run_time_are_followed_before_the_store_is_asked(void **state TOLL_UNUSED)
{
	struct toll_budget_settings conf = toll_enforcer_budget_settings(&rig.config);
	struct toll_error error;
	struct toll_rules rules;
	uint32_t last;

	assert_int_equal(toll_runtime_texts_init(&kept->said, 64), 0);
	toll_runtime_texts_add(&kept->said, TOLL_SLICE("long"),
	                       TOLL_SLICE("{\"limit\": 900, \"window\": \"7h\"}"));
	assert_int_equal(toll_rules_overlay(&rules, &conf, kept->said.at, kept->said.count, &error),
	                 0);
	assert_int_equal(toll_kept_follow(kept, &rules, MAX_NAMES), 0);
	last = kept->rules.window_count - 1;
	assert_string_equal(kept->rules.windows[last].name, "7h");
	spend(0, 1, 5000);
	save();
	kill_it();
	kept = toll_kept_of(host, "enforcer", &rig.rules, MAX_NAMES);
	kept->shown = calloc(1, sizeof(*kept->shown));
	assert_int_equal(
		toll_kept_open(kept, &disk.io,
	                       &(struct toll_kept_plan){ &rig.rules, &conf, MAX_NAMES, "test" },
	                       &error),
		0);
	assert_true(toll_rules_equal(&kept->rules, &rules));
	assert_int_equal(kept->rules.life, 1);
	assert_string_equal(kept->rules.windows[last].name, "7h");
	assert_true((day_of("b-svc") + last)->series.at[0].nano == 5);
	toll_rules_release(&rules);
}

static void rules_that_change_over_a_restart_follow_as_in_a_reload(void **state TOLL_UNUSED)
{
	char id[TOLL_RULE_ID];
	struct toll_error error;

	memcpy(id, kept->rules.at[0].id, sizeof(id));
	spend(0, 1, 5000);
	save();
	kill_it();
	rig.budgets[0].limit = 77 * TEST_USD;
	assert_int_equal(rig_rules(&rig, &error), 0);
	assert_int_equal(start("another"), 0);
	assert_int_equal(kept->rules.life, 1);
	assert_string_equal(kept->rules.at[0].before, id);
	assert_true(day_of("b-svc")->series.at[0].nano == 5);
	assert_int_equal(day_of("b-svc")->life, 0);
	save();
	kill_it();
	assert_int_equal(start("another"), 0);
	assert_int_equal(kept->rules.life, 1);
	assert_string_equal(kept->rules.at[0].before, id);
}

static void what_is_damaged_makes_another_instance(void **state TOLL_UNUSED)
{
	spend(0, 1, 5000);
	save();
	save();
	kill_it();
	for (int i = 0; i < disk.file_count; i++)
		disk.files[i].bytes[100] ^= 1;
	assert_int_equal(start("another"), 0);
	assert_string_equal(kept->instance, "another");
	assert_null(toll_table_find(&kept->totals.by_key, TOLL_SLICE("b-svc")));
	spend(0, 1, 5000);
	save();
	kill_it();
	assert_int_equal(start("a third"), 0);
	assert_string_equal(kept->instance, "another");
}

static void a_failing_disk_stops_neither_totals_nor_later_checkpoints(void **state TOLL_UNUSED)
{
	spend(0, 1, 5000);
	disk.fail_from = disk.calls + 1;
	disk.fail_to = LONG_MAX;
	save();
	assert_true(kept->save_failed);
	assert_int_equal(toll_kept_durable_seq(kept, EPOCH), 0);
	assert_true(day_of("b-svc")->series.at[0].saved == 5);
	disk.fail_from = disk.fail_to = 0;
	save();
	assert_false(kept->save_failed);
	assert_int_equal(toll_kept_durable_seq(kept, EPOCH), 1);
	kill_it();
	assert_int_equal(start("another"), 0);
	assert_true(day_of("b-svc")->series.at[0].nano == 5);
}

static void store_memory_starts_where_it_was(void **state TOLL_UNUSED)
{
	struct toll_service *s;

	toll_kept_leave_turn(kept, &who);
	assert_true(toll_kept_take_turn(kept, &who, &rig.rules, MAX_NAMES, TOLL_STORE_MEMORY));
	spend(0, 1, 5000);
	s = kept->totals.services[kept->totals.count - 1];
	s->slots = calloc(1, sizeof(*s->slots));
	s->slots->count = 1;
	snprintf(s->slots->at[0].id, sizeof(s->slots->at[0].id), "%s", kept->rules.at[0].id);
	s->slots->at[0].state = (struct toll_budget_state){ 7, 612.5, 3, 0, true };
	s->throttled = true;
	s->until_ms = 42;
	kept->words.killed = true;
	snprintf(kept->words.killer, sizeof(kept->words.killer), "Ann");
	toll_memory_words_record(&kept->words, TOLL_SLICE("{\"what\":\"kill\"}"));
	save();
	toll_memory_words_record(&kept->words, TOLL_SLICE("{\"what\":\"set\"}"));
	spend(1, 1, 2000);
	save();
	kill_it();
	assert_int_equal(start("another"), 0);
	s = kept->totals.services[kept->totals.count - 1];
	assert_true(s->throttled);
	assert_int_equal(s->until_ms, 42);
	assert_int_equal(s->slots->count, 1);
	assert_string_equal(s->slots->at[0].id, kept->rules.at[0].id);
	assert_true(s->slots->at[0].state.on);
	assert_true(s->slots->at[0].state.ema == 612.5);
	assert_true(kept->words.killed);
	assert_string_equal(kept->words.killer, "Ann");
	assert_int_equal(kept->words.count, 2);
	assert_string_equal(toll_memory_words_at(&kept->words, 1), "{\"what\":\"set\"}");
}

static void whoever_begins_later_learns_what_is_counted(void **state TOLL_UNUSED)
{
	struct toll_kept_plan plan = { &rig.rules, NULL, MAX_NAMES, "test" };
	struct toll_error error;

	spend(0, 1, 5000);
	save();
	kill_it();
	kept = toll_kept_of(host, "enforcer", &rig.rules, MAX_NAMES);
	kept->shown = calloc(1, sizeof(*kept->shown));
	snprintf(kept->instance, sizeof(kept->instance), "live");
	assert_true(toll_kept_take_turn(kept, &who, &rig.rules, MAX_NAMES, TOLL_STORE_REDIS));
	assert_int_equal(toll_kept_open(kept, &disk.io, &plan, &error), 0);
	assert_string_equal(kept->instance, "live");
	fold_spans(0, 0, SPANS);
	assert_int_equal(kept->totals.repeated_spans, SPANS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_record_counts_once),
		TEST(a_restart_goes_on_as_the_same),
		TEST(budgets_set_at_run_time_are_followed_before_the_store_is_asked),
		TEST(rules_that_change_over_a_restart_follow_as_in_a_reload),
		TEST(what_is_damaged_makes_another_instance),
		TEST(a_failing_disk_stops_neither_totals_nor_later_checkpoints),
		TEST(store_memory_starts_where_it_was),
		TEST(whoever_begins_later_learns_what_is_counted),
	};

	return cmocka_run_group_tests_name("kept_save", tests, NULL, NULL);
}
