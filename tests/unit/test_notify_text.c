/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/notify/notify_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static struct toll_budget_event event(enum toll_event_what what, const char *subject)
{
	struct toll_budget_event e = { .time_ms = UINT64_C(1795000000000),
		                       .what = what,
		                       .spent_nano = (toll_i128)512400000000,
		                       .limit_pico = 500 * TOLL_PICO_PER_USD,
		                       .ema_usd = 506.1 };

	snprintf(e.subject, sizeof(e.subject), "%s", subject);
	snprintf(e.window, sizeof(e.window), "24h");
	snprintf(e.budget, sizeof(e.budget), "payments");
	return e;
}

static char *body_of(enum toll_webhook_format format, const struct toll_budget_event *e,
                     uint64_t passed_over)
{
	size_t len = 0;
	char *body = toll_notify_body(format, e, passed_over, &len), *text;

	assert_non_null(body);
	text = strndup(body, len);
	free(body);
	assert_int_equal(strlen(text), len);
	return text;
}

static void assert_has(char *take_text, const char *part)
{
	if (!strstr(take_text, part))
		fail_msg("%s is not in %s", part, take_text);
	free(take_text);
}

static void json_is_the_event_itself(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = event(TOLL_EVENT_SET, "payment-svc"), back;
	char *text = body_of(TOLL_WEBHOOK_JSON, &e, 0);

	assert_int_equal(toll_event_parse(toll_slice_str(text), &back), 0);
	assert_memory_equal(&e, &back, sizeof(e));
	free(text);
	text = body_of(TOLL_WEBHOOK_JSON, &e, 12);
	assert_string_equal(strstr(text, ",\"passed_over\""), ",\"passed_over\":12}");
	assert_int_equal(toll_event_parse(toll_slice_str(text), &back), 0);
	free(text);
}

static void slack_gets_text_and_blocks(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = event(TOLL_EVENT_SET, "payment-svc");
	const char *sentence = ":no_entry: *payment-svc* exceeded its budget and is throttled: "
			       "$512.40/$500 in 24h\"";
	char part[256];

	snprintf(part, sizeof(part), "{\"text\":\"%s,\"blocks\":[{\"type\":\"section\",", sentence);
	assert_has(body_of(TOLL_WEBHOOK_SLACK, &e, 0), part);
	assert_has(body_of(TOLL_WEBHOOK_SLACK, &e, 2),
	           "budget payments | average $506.10 | 2 changes since the last message");
}

/* A service may be called anything: it must not call the whole channel, or make a link. */
static void names_have_no_power_over_slack(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = event(TOLL_EVENT_RELEASE, "<!channel> & \"co\"\\");

	assert_has(body_of(TOLL_WEBHOOK_SLACK, &e, 0),
	           "*&lt;!channel&gt; &amp; \\\"co\\\"\\\\* is back within its budget");
	e = event(TOLL_EVENT_RELEASE, "@all%0A:white_check_mark: all is well");
	assert_has(body_of(TOLL_WEBHOOK_SLACK, &e, 0),
	           "*@\xe2\x80\x8b"
	           "all :white_check_mark: all is well* is back");
}

static void keys_are_shown_as_names(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = event(TOLL_EVENT_SHADOW_SET, "team%3Apay");
	char text[TOLL_NOTIFY_SENTENCE];

	toll_notify_sentence(&e, text);
	assert_string_equal(text, "team:pay exceeded its budget; mode shadow: not throttled: "
	                          "$512.40/$500 in 24h");
}

static void people_and_their_reasons_are_told(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = { .what = TOLL_EVENT_KILL };
	char text[TOLL_NOTIFY_SENTENCE];

	snprintf(e.who, sizeof(e.who), "ada");
	snprintf(e.why, sizeof(e.why), "prices are wrong");
	toll_notify_sentence(&e, text);
	assert_string_equal(text,
	                    "The kill switch is on: nobody is throttled (ada): prices are wrong");
	e.what = TOLL_EVENT_OVERRIDE;
	snprintf(e.subject, sizeof(e.subject), "pay");
	snprintf(e.reason, sizeof(e.reason), "deny");
	toll_notify_sentence(&e, text);
	assert_string_equal(text,
	                    "pay is throttled, whatever its budget says (ada): prices are wrong");
}

static void the_longest_event_fits(void **state TOLL_UNUSED)
{
	struct toll_budget_event e = event(TOLL_EVENT_BUDGET, "");
	char *text;

	memset(e.subject, '<', sizeof(e.subject) - 1);
	memset(e.who, '\x01', sizeof(e.who) - 1);
	memset(e.why, '&', sizeof(e.why) - 1);
	memset(e.budget, '>', sizeof(e.budget) - 1);
	memset(e.by, '"', sizeof(e.by) - 1);
	text = body_of(TOLL_WEBHOOK_SLACK, &e, UINT64_MAX);
	assert_string_equal(text + strlen(text) - 6, "\"}]}]}");
	free(text);
	free(body_of(TOLL_WEBHOOK_JSON, &e, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_the_event_itself),
		cmocka_unit_test(slack_gets_text_and_blocks),
		cmocka_unit_test(names_have_no_power_over_slack),
		cmocka_unit_test(keys_are_shown_as_names),
		cmocka_unit_test(people_and_their_reasons_are_told),
		cmocka_unit_test(the_longest_event_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
