/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask of an enforcer, on its way to another thread and back. */
#include "exporters/enforcer/api/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "exporters/enforcer/api/control.h"
#include "tests/unit/unit.h"

static struct toll_control control;
static struct toll_totals totals;

static int setup(void **state TOLL_UNUSED)
{
	return toll_control_init(&control, &totals, 20 * TOLL_MS);
}

static int teardown(void **state TOLL_UNUSED)
{
	toll_control_release(&control);
	return 0;
}

static void *answer_one(void *arg TOLL_UNUSED)
{
	struct toll_request *r;

	while ((r = toll_requests_take(&control.requests)) == NULL)
		usleep(1000);
	if (r->op == TOLL_REQUEST_AUDIT && (toll_answer_add(&r->lines, TOLL_SLICE("{1}")) < 0 ||
	                                    toll_answer_add(&r->lines, TOLL_SLICE("")) < 0 ||
	                                    toll_answer_add(&r->lines, TOLL_SLICE("{2}")) < 0))
		abort();
	if (strcmp(r->subject, "bad") == 0)
		r->err = toll_fail(&r->error, TOLL_EREFUSED, "no");
	if (r->op == TOLL_REQUEST_IS_KILLED)
		r->on = snprintf(r->value, sizeof(r->value), "Ann") > 0;
	toll_requests_answer(&control.requests, r);
	return NULL;
}

static void with_somebody_there(pthread_t *t)
{
	control.timeout_ns = PATIENCE_NS;
	assert_int_equal(toll_thread_start(t, "answers", answer_one, NULL), 0);
}

static int override(const char *subject, struct toll_error *e)
{
	return control.super.override(&control.super, toll_slice_str(subject), TOLL_OVERRIDE_DENY,
	                              60, "Ann", "why", e);
}

static void a_request_is_answered_by_the_other_thread(void **state TOLL_UNUSED)
{
	struct toll_error e;
	pthread_t t;

	with_somebody_there(&t);
	assert_int_equal(override("payment-svc", &e), 0);
	pthread_join(t, NULL);
	with_somebody_there(&t);
	assert_int_equal(override("bad", &e), TOLL_EREFUSED);
	assert_string_equal(e.text, "no");
	pthread_join(t, NULL);
}

static void join(void *ctx, struct toll_slice line)
{
	char *text = ctx;

	snprintf(text + strlen(text), 32, "[%.*s]", TOLL_FMT(line));
}

static void answers_may_have_lines_and_values(void **state TOLL_UNUSED)
{
	char text[64] = "", who[256];
	pthread_t t;
	bool on;

	with_somebody_there(&t);
	assert_int_equal(control.super.audit(&control.super, TOLL_SLICE(""), 0, join, text, NULL),
	                 0);
	assert_string_equal(text, "[{1}][][{2}]");
	pthread_join(t, NULL);
	with_somebody_there(&t);
	assert_int_equal(control.super.is_killed(&control.super, &on, who, NULL), 0);
	assert_true(on);
	assert_string_equal(who, "Ann");
	pthread_join(t, NULL);
}

static void who_waits_too_long_goes_and_nothing_leaks(void **state TOLL_UNUSED)
{
	struct toll_request *late;
	struct toll_error e;

	assert_int_equal(override("a", &e), TOLL_ETIMEOUT);
	assert_int_equal(override("b", &e), TOLL_ETIMEOUT);
	assert_null(toll_requests_take(&control.requests)); /* nobody waits for them */
	late = toll_request_new(TOLL_REQUEST_KILL);
	late->abandoned = true; /* as if it had been taken before */
	toll_requests_answer(&control.requests, late);
}

static void their_number_is_bounded(void **state TOLL_UNUSED)
{
	struct toll_error e;

	control.timeout_ns = 1;
	for (int i = 0; i < TOLL_REQUESTS_MAX; i++)
		assert_int_equal(override("a", &e), TOLL_ETIMEOUT);
	assert_int_equal(override("a", &e), TOLL_EFULL);
	assert_null(toll_requests_take(&control.requests));
	assert_int_equal(override("a", &e), TOLL_ETIMEOUT);
}

static void after_the_end_everybody_is_told_so(void **state TOLL_UNUSED)
{
	struct toll_error e;

	toll_requests_fail(&control.requests, true, TOLL_ESHUTDOWN, "over");
	assert_int_equal(override("a", &e), TOLL_ESHUTDOWN);
}

static void what_is_asked_is_checked_first(void **state TOLL_UNUSED)
{
	struct toll_budget_control *c = &control.super;
	struct toll_slice name = TOLL_SLICE("payment-svc");
	struct toll_error e;

	assert_int_equal(c->override(c, name, TOLL_OVERRIDE_DENY, 0, "", "", &e), TOLL_EINVALID);
	assert_int_equal(c->override(c, name, TOLL_OVERRIDE_DENY, 2678401, "", "", &e),
	                 TOLL_EINVALID);
	assert_int_equal(c->override(c, TOLL_SLICE(""), TOLL_OVERRIDE_NONE, 0, "", "", &e),
	                 TOLL_EINVALID);
	assert_int_equal(c->set_budget(c, TOLL_SLICE(""), TOLL_SLICE("{}"), "", &e), TOLL_EINVALID);
}

static void subjects_are_keys_or_names(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *key;
	} cases[] = {
		{ "payment-svc", "payment-svc" },
		{ "a b", "a%20b" },
		{ "100%", "100%25" },
		{ "a%3Ab", "a%3Ab" },
		{ "tenant:acme", "tenant:acme" },
		{ "tenant:a%20b:service:cart", "tenant:a%20b:service:cart" },
		{ "tenant:", NULL },
		{ ":x", NULL },
		{ "a:b:c", NULL },
		{ "tenant:a b", NULL },
		{ "a:1:b:2:c:3:d:4:e:5", NULL },
		{ "unverified:somebody", NULL },
		{ "", NULL },
	};
	char key[TOLL_SUBJECT_MAX + 1];
	struct toll_error e;

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		int err = toll_subject_read(toll_slice_str(cases[i].text), key, &e);

		assert_int_equal(err, cases[i].key ? 0 : TOLL_EINVALID);
		if (cases[i].key)
			assert_string_equal(key, cases[i].key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_request_is_answered_by_the_other_thread),
		TEST(answers_may_have_lines_and_values),
		TEST(who_waits_too_long_goes_and_nothing_leaks),
		TEST(their_number_is_bounded),
		TEST(after_the_end_everybody_is_told_so),
		TEST(what_is_asked_is_checked_first),
		TEST(subjects_are_keys_or_names),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
