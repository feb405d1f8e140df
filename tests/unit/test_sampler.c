/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "processors/probabilistic_sampler/threshold.h"
#include "proto/otlp_encode.h"
#include "proto/trace_state.h"
#include "tests/support/component.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_processor_probabilistic_sampler;

/* One span whose randomness is `random`, with this tracestate ("": none). */
static struct toll_batch *one_span(uint64_t random, const char *state)
{
	struct msg *m = msg_new();
	uint8_t trace[16] = { 1 };
	uint64_t id = 7;

	for (int i = 0; i < 7; i++)
		trace[9 + i] = (uint8_t)(random >> (48 - 8 * i));
	msg_bytes(m, 1, trace, 16);
	msg_bytes(m, 2, &id, 8);
	if (*state)
		msg_text(m, 3, state);
	msg_text(m, 5, "x");
	msg_attr_int(m, 9, "n", 1);
	return batch_of_request(request_of("shop", &m, 1));
}

struct run {
	const char *yaml, *state;
	uint64_t random;
	const char *want; /* tracestate of the span; NULL: dropped */
};

static void check(const struct run *r)
{
	struct component_rig rig = { 0 };
	struct toll_batch *b = one_span(r->random, r->state);
	struct toll_processor *p;

	component_load(&rig, &toll_processor_probabilistic_sampler, r->yaml);
	if (!rig.settings)
		fail_msg("%s", rig.findings);
	assert_int_equal(component_create(&rig, &toll_processor_probabilistic_sampler), 0);
	p = toll_container_of(rig.component, struct toll_processor, super);
	assert_int_equal(p->process(p, b), 0);
	if (b->spans[0].dropped ? r->want != NULL
	                        : !r->want || !toll_slice_is(b->spans[0].trace_state, r->want))
		fail_msg("%s on \"%s\": %s \"%.*s\", not \"%s\"", r->yaml, r->state,
		         b->spans[0].dropped ? "dropped" : "kept",
		         TOLL_FMT(b->spans[0].trace_state), r->want ? r->want : "dropped");
	component_release(&rig);
	toll_batch_unref(b);
}

#define PROPORTIONAL "{mode: proportional, sampling_percentage: 25}"
#define EQUALIZING   "{mode: equalizing, sampling_percentage: 25}"
#define HASH         "{mode: hash_seed, sampling_percentage: 50, hash_seed: 22}"
#define HIGH         UINT64_C(0xffffffffffffff)

static void each_mode_decides_by_its_rule(void **state TOLL_UNUSED)
{
	static const struct run runs[] = {
		{ PROPORTIONAL, "", UINT64_C(0xc0000000000000), "ot=th:c" },
		{ PROPORTIONAL, "", UINT64_C(0xbfffffffffffff), NULL },
		{ "{sampling_percentage: 25}", "", HIGH, "ot=th:c" },
		{ "{sampling_percentage: 100}", "", 0, "ot=th:0" },
		{ "{sampling_percentage: 150}", "", 0, "ot=th:0" },
		{ "{sampling_percentage: 0}", "", HIGH, NULL },
		/* A quarter of what a half has left over. */
		{ PROPORTIONAL, "ot=th:8", UINT64_C(0xe0000000000000), "ot=th:e" },
		{ PROPORTIONAL, "ot=th:8", UINT64_C(0xdfffffffffffff), NULL },
		/* Never more than a quarter, but not less either. */
		{ EQUALIZING, "ot=th:8", UINT64_C(0xc0000000000000), "ot=th:c" },
		{ EQUALIZING, "ot=th:f", UINT64_C(0xf0000000000000), "ot=th:f" },
		{ EQUALIZING, "", UINT64_C(0xbfffffffffffff), NULL },
		/* Explicit randomness wins over the trace id. */
		{ PROPORTIONAL, "ot=rv:c0000000000000", 0, "ot=rv:c0000000000000;th:c" },
		{ PROPORTIONAL, "ot=rv:00000000000000", HIGH, NULL },
		{ PROPORTIONAL, "v=1,ot=x:y", HIGH, "ot=th:c;x:y,v=1" },
		{ "{sampling_percentage: 33.3}", "", HIGH, "ot=th:aac1" },
		{ "{sampling_percentage: 33.3, sampling_precision: 2}", "", HIGH, "ot=th:ab" },
	};

	for (size_t i = 0; i < TOLL_COUNT(runs); i++)
		check(&runs[i]);
}

static void what_contradicts_itself_is_dropped_or_kept(void **state TOLL_UNUSED)
{
	static const struct run runs[] = {
		{ PROPORTIONAL, "ot=th:zz", HIGH, NULL },
		{ "{sampling_percentage: 25, fail_closed: false}", "ot=th:zz", 0, "ot=th:zz" },
		{ PROPORTIONAL, "ot=th:8", 5, NULL },
		{ "{sampling_percentage: 25, fail_closed: false}", "ot=th:8", 5, "ot=th:0" },
		{ HASH, "ot=th:0", HIGH, NULL },
		{ HASH, "ot=rv:c0000000000000", HIGH, NULL },
	};

	for (size_t i = 0; i < TOLL_COUNT(runs); i++)
		check(&runs[i]);
}

/* The numbers are those of the Collector's own hash: FNV-1a over seed and id. */
static void the_hash_is_the_collectors(void **state TOLL_UNUSED)
{
	static const uint8_t id[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	uint64_t r = toll_random_by_hash(id, 22);

	assert_int_equal(r >> 42, 0x3fff - (r & 0x3fff));
	assert_int_equal(r, UINT64_C(0x2ef03615863443));
	assert_int_not_equal(r, toll_random_by_hash(id, 23));
	assert_int_equal(toll_threshold_of_percentage(50), UINT64_C(0x80000000000000));
	assert_int_equal(toll_threshold_of_percentage(0.001F), TOLL_SAMPLING_NEVER);
}

static void thresholds_are_rounded_to_the_precision(void **state TOLL_UNUSED)
{
	static const struct {
		double probability;
		int precision;
		uint64_t want;
	} cases[] = {
		{ 1, 4, 0 },
		{ 0.5, 4, UINT64_C(0x80000000000000) },
		{ 1.0 / 3, 14, UINT64_C(0xaaaaaaaaaaaaac) },
		{ 1.0 / 3, 3, UINT64_C(0xaab00000000000) },
		{ 0.01, 4, UINT64_C(0xfd70a000000000) },
		{ 0x1p-56, 4, UINT64_C(0xffffffffffffff) },
		{ 0x1p-57, 4, TOLL_SAMPLING_NEVER },
		{ 0, 4, TOLL_SAMPLING_NEVER },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		uint64_t got = toll_threshold_of(cases[i].probability, cases[i].precision);

		/* A double has 53 bits: the last few of 56 are its rounding. */
		if (got - cases[i].want + 8 > 16)
			fail_msg("%g: %llx, not %llx", cases[i].probability,
			         (unsigned long long)got, (unsigned long long)cases[i].want);
	}
}

static struct toll_batch *with_priority(const char *text, int64_t number)
{
	struct msg *m = span_new("x", 1, 1);

	if (text)
		msg_attr_str(m, 9, "sampling.priority", text);
	else
		msg_attr_int(m, 9, "sampling.priority", number);
	return batch_of_request(request_of("shop", &m, 1));
}

static void priority_decides_over_chance(void **state TOLL_UNUSED)
{
	static const struct {
		const char *text, *percentage;
		int64_t number;
		bool kept;
	} cases[] = { { NULL, "0", 1, true },  { NULL, "100", 0, false },
		      { "1", "0", 0, true },   { "0.0", "100", 0, false },
		      { "x", "100", 0, true }, { NULL, "100", -1, true },
		      { NULL, "0", -1, false } };

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };
		struct toll_batch *b = with_priority(cases[i].text, cases[i].number);
		struct toll_processor *p;
		char yaml[64];

		snprintf(yaml, sizeof(yaml), "{sampling_percentage: %s}", cases[i].percentage);
		component_load(&rig, &toll_processor_probabilistic_sampler, yaml);
		assert_int_equal(component_create(&rig, &toll_processor_probabilistic_sampler), 0);
		p = toll_container_of(rig.component, struct toll_processor, super);
		assert_int_equal(p->process(p, b), 0);
		assert_int_equal(b->kept_count, cases[i].kept);
		component_release(&rig);
		toll_batch_unref(b);
	}
}

static void wrong_settings_are_explained(void **state TOLL_UNUSED)
{
	static const struct {
		const char *yaml, *sentence;
	} cases[] = {
		{ "{}", "sampling_percentage: is required" },
		{ "{sampling_percentage: -1}", "must be at least 0" },
		{ "{sampling_percentage: 1e-30}", "is too small" },
		{ "{sampling_percentage: 5, mode: fair}", "must be one of proportional" },
		{ "{sampling_percentage: 5, mode: equalising}", "did you mean \"equalizing\"?" },
		{ "{sampling_percentage: 5, sampling_precision: 15}", "between 1 and 14" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct component_rig rig = { 0 };

		component_load(&rig, &toll_processor_probabilistic_sampler, cases[i].yaml);
		if (rig.settings || !strstr(rig.findings, cases[i].sentence))
			fail_msg("%s: %s", cases[i].yaml, rig.findings);
		component_release(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mode_decides_by_its_rule),
		cmocka_unit_test(what_contradicts_itself_is_dropped_or_kept),
		cmocka_unit_test(the_hash_is_the_collectors),
		cmocka_unit_test(thresholds_are_rounded_to_the_precision),
		cmocka_unit_test(priority_decides_over_chance),
		cmocka_unit_test(wrong_settings_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
