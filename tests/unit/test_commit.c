/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of the answer to a commit. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "exporters/enforcer/decision/audit.h"
#include "exporters/enforcer/store_redis/decide_inside.h"
#include "tests/support/enforcer.h"
#include "tests/unit/unit.h"

static struct enforcer_rig rig;
static struct toll_counters counters;
static struct toll_publisher publisher;
static struct toll_decider decider;
static struct toll_case sent;
static struct toll_state state;
static char last_line[256];

static void keep_line(void *ctx TOLL_UNUSED, const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static int setup(void **state_ TOLL_UNUSED)
{
	rig_init(&rig);
	rig_start(&rig);
	rig_spend(&rig, "shop", 5 * TEST_USD, TEST_NOW_MS);
	memset(&counters, 0, sizeof(counters));
	publisher = (struct toll_publisher){
		.totals = &rig.totals, .rules = &rig.rules, .counters = &counters, .instance = "me"
	};
	decider = (struct toll_decider){ .publisher = &publisher,
		                         .who = "exporter/enforcer",
		                         .throttle = &rig.config.throttle };
	sent = (struct toll_case){ .service = rig_service(&rig, "shop"), .committed = true };
	sent.service->unanswered = true;
	state = (struct toll_state){ .change_id = 7,
		                     .by = TOLL_SLICE("me"),
		                     .what = TOLL_SLICE("set") };
	last_line[0] = '\0';
	toll_log_set_sink(keep_line, NULL);
	return 0;
}

static int teardown(void **state_ TOLL_UNUSED)
{
	toll_log_set_sink(NULL, NULL);
	rig_release(&rig);
	return 0;
}

/* A node of a cluster that is too late with its answer may have done what it was told. */
static void what_an_error_hid_is_told_later(void **state_ TOLL_UNUSED)
{
	char text[] = "AWAY 10.0.0.1:6379: timed out";
	redisReply error = { .type = REDIS_REPLY_ERROR, .str = text, .len = sizeof(text) - 1 };

	toll_commit_conclude(&decider, &sent, &error);
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_DECISION_ERRORS), 1);
	toll_tell_late(&decider, sent.service, &state);
	assert_non_null(strstr(last_line, "[COST_ENFORCEMENT] shop exceeded budget"));
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_FLAGS_SET), 1);
	toll_tell_late(&decider, sent.service, &state); /* once */
	assert_int_equal(toll_counter_get(&counters, TOLL_COUNTER_FLAGS_SET), 1);
}

static void an_error_after_which_nothing_has_changed_says_nothing(void **state_ TOLL_UNUSED)
{
	char text[] = "NOPERM";
	redisReply error = { .type = REDIS_REPLY_ERROR, .str = text, .len = sizeof(text) - 1 };

	sent.service->change_seen = state.change_id;
	toll_commit_conclude(&decider, &sent, &error);
	toll_tell_late(&decider, sent.service, &state);
	assert_string_equal(last_line, "");
}

/* The last line of the local log. */
static void read_last(const char *path, char last[1024])
{
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(last, 1024, f))
		;
	fclose(f);
}

/* What was announced before the commit gets its second line. */
static void a_pending_record_is_closed_once_it_is_known(void **state_ TOLL_UNUSED)
{
	char folder[] = "/tmp/spantoll-commit-XXXXXX", path[64], last[1024];
	struct toll_audit audit = { .counters = &counters, .who = "exporter/enforcer" };
	struct toll_audit_config conf;
	struct toll_error error;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.jsonl", folder);
	conf = (struct toll_audit_config){ .path = toll_slice_str(path) };
	assert_int_equal(toll_audit_prepare(&audit, &conf, &error), 0);
	decider.audit = &audit;
	for (int done = 0; done < 2; done++) {
		sent.service->unanswered = sent.service->announced = true;
		sent.service->announcement = TOLL_EVENT_SET;
		state.change_id += (uint64_t)done;
		sent.service->change_seen = 7;
		toll_tell_late(&decider, sent.service, &state);
		assert_false(sent.service->announced);
		read_last(path, last);
		assert_non_null(strstr(last, done ? "\"what\":\"done\"" : "\"superseded\""));
		assert_non_null(strstr(last, "\"change\":\"set\""));
		assert_non_null(strstr(last, "\"subject\":\"shop\""));
	}
	toll_audit_close(&audit);
	unlink(path);
	rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_an_error_hid_is_told_later),
		TEST(an_error_after_which_nothing_has_changed_says_nothing),
		TEST(a_pending_record_is_closed_once_it_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
