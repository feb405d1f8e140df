/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/notify/notify_queue.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "tests/unit/unit.h"

#define ALL      (~UINT32_C(0))
#define COOLDOWN (300 * TOLL_S)
#define BIT(e)   (UINT32_C(1) << (e))

static struct toll_notify_queue queue;
static uint64_t now;
static char told[512];

static int set_up(void **state TOLL_UNUSED)
{
	now = 1000 * TOLL_S;
	told[0] = '\0';
	return toll_notify_queue_init(&queue, ALL, COOLDOWN);
}

static int tear_down(void **state TOLL_UNUSED)
{
	toll_notify_queue_release(&queue);
	return 0;
}

static void begin(uint32_t wanted)
{
	toll_notify_queue_release(&queue);
	assert_int_equal(toll_notify_queue_init(&queue, wanted, COOLDOWN), 0);
}

static void put(const char *subject, enum toll_event_what what)
{
	struct toll_budget_event e = { .what = what };

	snprintf(e.subject, sizeof(e.subject), "%s", subject);
	toll_notify_queue_put(&queue, &e, now);
}

/* Tells all that is due: "pay:set chat:release ". */
static const char *tell(void)
{
	const struct toll_budget_event *e;
	size_t at = 0;

	told[0] = '\0';
	while ((e = toll_notify_queue_next(&queue, now, false)) != NULL) {
		at += (size_t)snprintf(told + at, sizeof(told) - at, "%s:%s ", e->subject,
		                       toll_event_name(e->what));
		toll_notify_queue_told(&queue, now);
	}
	return told;
}

static void pass(uint64_t seconds)
{
	now += seconds * TOLL_S;
}

static void news_are_told_at_once(void **state TOLL_UNUSED)
{
	assert_true(toll_notify_queue_due_ns(&queue, false) == UINT64_MAX);
	put("pay", TOLL_EVENT_SET);
	put("chat", TOLL_EVENT_SHADOW_SET);
	assert_true(toll_notify_queue_due_ns(&queue, false) <= now);
	assert_string_equal(tell(), "pay:set chat:shadow_set ");
	assert_string_equal(tell(), "");
}

static void the_last_state_comes_after_the_cooldown(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	tell();
	pass(10);
	put("pay", TOLL_EVENT_RELEASE);
	put("pay", TOLL_EVENT_SET);
	put("pay", TOLL_EVENT_RELEASE);
	assert_string_equal(tell(), "");
	assert_true(toll_notify_queue_due_ns(&queue, false) == now - 10 * TOLL_S + COOLDOWN);
	pass(289);
	assert_string_equal(tell(), "");
	pass(1);
	assert_string_equal(tell(), "pay:release ");
	assert_true(queue.passed_over == 2);
	pass(300);
	assert_string_equal(tell(), "");
}

static void what_is_as_it_was_told_is_no_news(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	tell();
	put("pay", TOLL_EVENT_RELEASE);
	put("pay", TOLL_EVENT_SET);
	put("pay", TOLL_EVENT_RESTORE);
	pass(300);
	assert_string_equal(tell(), "");
	put("pay", TOLL_EVENT_RELEASE);
	assert_true(toll_notify_queue_next(&queue, now, false) != NULL);
	assert_true(queue.flying_passed_over == 3);
	toll_notify_queue_told(&queue, now);
}

static void a_flag_and_its_shadow_are_apart(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	put("pay", TOLL_EVENT_SHADOW_SET);
	put("pay2", TOLL_EVENT_SET);
	assert_string_equal(tell(), "pay:set pay:shadow_set pay2:set ");
	put("pay", TOLL_EVENT_CAPPED);
	put("pay", TOLL_EVENT_SHADOW_RELEASE);
	pass(300);
	assert_string_equal(tell(), "pay:capped pay:shadow_release ");
}

static void what_people_do_is_told_one_by_one(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_OVERRIDE);
	put("", TOLL_EVENT_KILL);
	put("", TOLL_EVENT_UNKILL);
	put("", TOLL_EVENT_KILL);
	assert_string_equal(tell(), "pay:override :kill :unkill :kill ");
	for (int i = 0; i < TOLL_NOTIFY_DEEDS + 3; i++)
		put("", TOLL_EVENT_KILL);
	assert_true(queue.dropped == 3);
}

static void what_failed_comes_again_unless_there_is_newer(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	assert_true(toll_notify_queue_next(&queue, now, false) != NULL);
	toll_notify_queue_again(&queue);
	assert_true(toll_notify_queue_next(&queue, now, false)->what == TOLL_EVENT_SET);
	put("pay", TOLL_EVENT_RELEASE);
	toll_notify_queue_again(&queue);
	assert_int_equal(toll_notify_queue_waiting(&queue), 1);
	assert_string_equal(tell(), "pay:release ");
	put("", TOLL_EVENT_KILL);
	put("", TOLL_EVENT_UNKILL);
	assert_true(toll_notify_queue_next(&queue, now, false)->what == TOLL_EVENT_KILL);
	toll_notify_queue_again(&queue);
	assert_string_equal(tell(), ":kill :unkill ");
}

/* A message that the far end will never take must not make the next state look told. */
static void after_a_loss_any_state_is_news(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	assert_true(toll_notify_queue_next(&queue, now, false) != NULL);
	toll_notify_queue_lost(&queue);
	put("pay", TOLL_EVENT_SET);
	assert_string_equal(tell(), "pay:set ");
}

static void a_change_on_its_way_is_followed_by_the_next(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	assert_true(toll_notify_queue_next(&queue, now, false) != NULL);
	put("pay", TOLL_EVENT_RELEASE);
	put("pay", TOLL_EVENT_SET);
	toll_notify_queue_told(&queue, now);
	assert_int_equal(toll_notify_queue_waiting(&queue), 0);
	put("pay", TOLL_EVENT_RELEASE);
	pass(300);
	assert_string_equal(tell(), "pay:release ");
}

static void what_nobody_asked_for_still_makes_the_next_one_news(void **state TOLL_UNUSED)
{
	begin(BIT(TOLL_EVENT_SET) | BIT(TOLL_EVENT_KILL));
	put("pay", TOLL_EVENT_RELEASE);
	put("", TOLL_EVENT_UNKILL);
	put("pay", TOLL_EVENT_SET);
	assert_string_equal(tell(), "pay:set ");
	put("pay", TOLL_EVENT_RELEASE);
	put("pay", TOLL_EVENT_SET);
	put("pay", TOLL_EVENT_RESTORE);
	pass(300);
	assert_string_equal(tell(), "pay:set ");
	put("pay", TOLL_EVENT_RELEASE);
	put("pay", TOLL_EVENT_SET);
	put("pay", TOLL_EVENT_RELEASE); /* it is over by the time it is told */
	pass(300);
	assert_string_equal(tell(), "pay:set ");
	put("pay", TOLL_EVENT_SET);
	pass(300);
	assert_string_equal(tell(), "pay:set ");
}

static void at_the_end_there_is_no_cooldown(void **state TOLL_UNUSED)
{
	put("pay", TOLL_EVENT_SET);
	tell();
	put("pay", TOLL_EVENT_RELEASE);
	assert_null(toll_notify_queue_next(&queue, now, false));
	assert_true(toll_notify_queue_due_ns(&queue, true) <= now);
	assert_true(toll_notify_queue_next(&queue, now, true)->what == TOLL_EVENT_RELEASE);
}

static void memory_is_bounded_and_old_subjects_make_room(void **state TOLL_UNUSED)
{
	char subject[16];

	for (int i = 0; i < TOLL_NOTIFY_TOPICS + 10; i++) {
		snprintf(subject, sizeof(subject), "svc-%d", i);
		put(subject, TOLL_EVENT_SET);
	}
	assert_true(queue.dropped == 10);
	assert_int_equal(toll_notify_queue_waiting(&queue), TOLL_NOTIFY_TOPICS);
	while (toll_notify_queue_next(&queue, now, false))
		toll_notify_queue_told(&queue, now);
	put("one-more", TOLL_EVENT_SET);
	assert_true(queue.dropped == 11);
	pass(301);
	put("one-more", TOLL_EVENT_SET);
	assert_string_equal(tell(), "one-more:set ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(news_are_told_at_once),
		TEST(the_last_state_comes_after_the_cooldown),
		TEST(what_is_as_it_was_told_is_no_news),
		TEST(a_flag_and_its_shadow_are_apart),
		TEST(what_people_do_is_told_one_by_one),
		TEST(what_failed_comes_again_unless_there_is_newer),
		TEST(after_a_loss_any_state_is_news),
		TEST(a_change_on_its_way_is_followed_by_the_next),
		TEST(what_nobody_asked_for_still_makes_the_next_one_news),
		TEST(at_the_end_there_is_no_cooldown),
		TEST(memory_is_bounded_and_old_subjects_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
