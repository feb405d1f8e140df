/* SPDX-License-Identifier: Apache-2.0 */
/* Who is throttled in the end: what a verdict yields to, and who has a place under the cap. */
#include "budget/places.h"

#include <string.h>

#include "budget/outcome.h"
#include "tests/unit/unit.h"

static struct toll_outcome outcome(bool want, bool killed, enum toll_override override, bool held)
{
	struct toll_verdict v = { .want = want };
	struct toll_circumstances now = { killed, override, held };

	return toll_outcome_of(&v, &now);
}

static void kill_beats_override_beats_cap_beats_rule(void **state TOLL_UNUSED)
{
	static const struct {
		bool want, killed;
		enum toll_override override;
		bool held, throttled, capped;
		const char *reason;
	} cases[] = {
		{ false, false, TOLL_OVERRIDE_NONE, false, false, false, "budget" },
		{ true, false, TOLL_OVERRIDE_NONE, false, true, false, "budget" },
		{ true, false, TOLL_OVERRIDE_NONE, true, false, true, "cap" },
		{ false, false, TOLL_OVERRIDE_NONE, true, false, false, "budget" },
		{ true, false, TOLL_OVERRIDE_ALLOW, false, false, false, "override" },
		{ true, false, TOLL_OVERRIDE_ALLOW, true, false, false, "override" },
		{ false, false, TOLL_OVERRIDE_DENY, false, true, false, "override" },
		{ true, false, TOLL_OVERRIDE_DENY, true, true, false, "override" },
		{ true, true, TOLL_OVERRIDE_DENY, false, false, false, "kill" },
		{ true, true, TOLL_OVERRIDE_NONE, true, false, false, "kill" },
		{ false, true, TOLL_OVERRIDE_NONE, false, false, false, "kill" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_outcome o =
			outcome(cases[i].want, cases[i].killed, cases[i].override, cases[i].held);

		assert_int_equal(o.throttled, cases[i].throttled);
		assert_int_equal(o.capped, cases[i].capped);
		assert_int_equal(o.shadow, cases[i].killed && cases[i].want);
		assert_string_equal(o.reason, cases[i].reason);
	}
}

static void places_are_a_share_and_at_least_one(void **state TOLL_UNUSED)
{
	assert_int_equal(toll_places(0.2, 50), 10);
	assert_int_equal(toll_places(0.2, 51), 11);
	assert_int_equal(toll_places(0.2, 1), 1);
	assert_int_equal(toll_places(0.2, 0), 1);
	assert_int_equal(toll_places(0.1, 30), 3);
	assert_int_equal(toll_places(0, 1000), 1);
	assert_int_equal(toll_places(1, 1000), 1000);
}

static void a_kind_is_its_dimensions(void **state TOLL_UNUSED)
{
	uint64_t tenant = toll_places_kind(TOLL_SLICE("tenant:acme"));

	assert_int_equal(toll_places_kind(TOLL_SLICE("payment-svc")), 0);
	assert_int_equal(toll_places_kind(TOLL_SLICE("")), 0);
	assert_true(tenant != 0);
	assert_true(tenant == toll_places_kind(TOLL_SLICE("tenant:other")));
	assert_true(tenant != toll_places_kind(TOLL_SLICE("feature:acme")));
	assert_true(tenant != toll_places_kind(TOLL_SLICE("tenant:acme:service:x")));
	assert_true(toll_places_kind(TOLL_SLICE("tenant:a:service:x")) ==
	            toll_places_kind(TOLL_SLICE("tenant:b:service:y")));
}

static struct toll_contender contender(const char *key, double ratio, enum toll_criticality c)
{
	struct toll_slice k = toll_slice_str(key);

	return (struct toll_contender){
		.key = k, .kind = toll_places_kind(k), .ratio = ratio, .criticality = c
	};
}

static void the_least_critical_go_first_then_the_furthest_over(void **state TOLL_UNUSED)
{
	struct toll_contender all[] = {
		contender("tenant:t", 9, TOLL_CRITICALITY_LOW),
		contender("vital", 100, TOLL_CRITICALITY_CRITICAL),
		contender("b", 3, TOLL_CRITICALITY_UNKNOWN),
		contender("a", 3, TOLL_CRITICALITY_MEDIUM),
		contender("ab", 3, TOLL_CRITICALITY_UNKNOWN),
		contender("high", 50, TOLL_CRITICALITY_HIGH),
		contender("far", 7, TOLL_CRITICALITY_UNKNOWN),
		contender("batch", 1.01, TOLL_CRITICALITY_LOW),
	};
	static const char *const order[] = { "batch", "far",  "a",     "ab",
		                             "b",     "high", "vital", "tenant:t" };

	toll_places_rank(all, TOLL_COUNT(all));
	for (size_t i = 0; i < TOLL_COUNT(order); i++)
		assert_true(toll_slice_is(all[i].key, order[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_beats_override_beats_cap_beats_rule),
		cmocka_unit_test(places_are_a_share_and_at_least_one),
		cmocka_unit_test(a_kind_is_its_dimensions),
		cmocka_unit_test(the_least_critical_go_first_then_the_furthest_over),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
