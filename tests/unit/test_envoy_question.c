/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/envoy/question.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/macro.h"
#include "extensions/envoy/refusal.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((struct toll_slice){ s, sizeof(s) - 1 })

/* "service=cart tenant=acme criticality:high", and the dice when they are not 7. */
static const char *print(const struct toll_flag_question *q)
{
	static char text[1024];
	int len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < q->count; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%.*s=%.*s", i ? " " : "",
		                TOLL_FMT(q->at[i].dimension), TOLL_FMT(q->at[i].value));
	if (q->criticality)
		len += snprintf(text + len, sizeof(text) - (size_t)len, " criticality:%s",
		                toll_criticality_name(q->criticality));
	if (q->dice != 7)
		snprintf(text + len, sizeof(text) - (size_t)len, " dice");
	return text;
}

/* ---- descriptors ---- */

static void entries_are_dimensions_but_for_those_of_envoy(void **state TOLL_UNUSED)
{
	static const struct toll_envoy_entry entries[] = {
		{ TEXT("generic_key"), TEXT("x") },
		{ TEXT("service"), TEXT("cart") },
		{ TEXT("remote_address"), TEXT("10.0.0.1") },
		{ TEXT("tenant"), TEXT("acme") },
		{ TEXT("service"), TEXT("second") },
		{ TEXT("feature"), TEXT("") },
		{ TEXT("team"), TEXT("shop") },
		{ TEXT("criticality"), TEXT("high") },
		{ TEXT("criticality"), TEXT("low") },
	};
	struct toll_flag_question q;

	assert_int_equal(toll_envoy_ask_entries(entries, TOLL_COUNT(entries), 7, &q), 0);
	assert_string_equal(print(&q), "service=cart tenant=acme team=shop criticality:high");
	assert_int_equal(toll_envoy_ask_entries(entries, 1, 7, &q), 0);
	assert_string_equal(print(&q), "");
}

static void a_request_with_an_id_has_its_own_dice(void **state TOLL_UNUSED)
{
	static const struct toll_envoy_entry entries[] = {
		{ TEXT("service"), TEXT("cart") },
		{ TEXT("request_id"), TEXT("9b8233f7") },
	};
	struct toll_flag_question q;

	assert_int_equal(toll_envoy_ask_entries(entries, 2, 7, &q), 0);
	assert_string_equal(print(&q), "service=cart dice");
	assert_true(q.dice == toll_hash(TEXT("9b8233f7")));
}

static void more_dimensions_than_a_question_has_are_refused(void **state TOLL_UNUSED)
{
	struct toll_envoy_entry entries[TOLL_QUESTION_MAX + 1];
	char names[TOLL_QUESTION_MAX + 1] = "abcdefgh";
	struct toll_flag_question q;

	names[TOLL_QUESTION_MAX] = 'i';
	for (int i = 0; i <= TOLL_QUESTION_MAX; i++)
		entries[i] = (struct toll_envoy_entry){ toll_slice(&names[i], 1), TEXT("v") };
	assert_int_equal(toll_envoy_ask_entries(entries, TOLL_QUESTION_MAX, 7, &q), 0);
	assert_int_equal(q.count, TOLL_QUESTION_MAX);
	assert_int_equal(toll_envoy_ask_entries(entries, TOLL_QUESTION_MAX + 1, 7, &q),
	                 TOLL_ETOOBIG);
}

/* ---- checks ---- */

static const struct toll_pair configured[] = { { TEXT("service"), TEXT("x-service-name") },
	                                       { TEXT("tenant"), TEXT("x-tenant-id") },
	                                       { TEXT("criticality"), TEXT("x-criticality") } };

static void configured_headers_are_looked_for(void **state TOLL_UNUSED)
{
	struct toll_pair many[TOLL_ENVOY_WANTED_MAX + 5];
	struct toll_pair_list list = { configured, TOLL_COUNT(configured) };
	struct toll_envoy_headers h;

	toll_envoy_headers_init(&h, &list);
	assert_int_equal(h.count, 4);
	assert_true(toll_slice_is(h.names[0], "x-request-id"));
	assert_true(toll_slice_is(h.names[2], "x-tenant-id"));
	for (size_t i = 0; i < TOLL_COUNT(many); i++)
		many[i] = configured[0];
	list = (struct toll_pair_list){ many, TOLL_COUNT(many) };
	toll_envoy_headers_init(&h, &list);
	assert_int_equal(h.count, TOLL_ENVOY_WANTED_MAX);
}

static void extensions_come_before_headers_before_the_destination(void **state TOLL_UNUSED)
{
	static const struct {
		struct toll_slice extension, header, tenant, service, principal;
		const char *question;
	} cases[] = {
		{ .extension = TEXT("route"),
		  .header = TEXT("header"),
		  .question = "service=route" },
		{ .header = TEXT("header"), .service = TEXT("peer"), .question = "service=header" },
		{ .tenant = TEXT("acme"),
		  .service = TEXT("peer"),
		  .principal = TEXT("spiffe://x/ns/shop"),
		  .question = "tenant=acme service=peer" },
		{ .header = TEXT(""),
		  .principal = TEXT("spiffe://cluster.local/ns/shop/sa/payment"),
		  .question = "service=payment namespace=shop" },
		{ .principal = TEXT("payment.shop.svc"), .question = "service=payment.shop.svc" },
		{ .principal = TEXT("spiffe://"), .question = "service=spiffe://" },
		{ .principal = TEXT("spiffe://domain/"), .question = "" },
		{ .question = "" },
	};
	const struct toll_pair_list list = { configured, TOLL_COUNT(configured) };
	struct toll_envoy_headers h;

	toll_envoy_headers_init(&h, &list);
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_envoy_check_request check = {
			.extension_count = 1,
			.extensions = { { TEXT("service"), cases[i].extension } },
			.headers = { { NULL, 0 }, cases[i].header, cases[i].tenant, { NULL, 0 } },
			.service = cases[i].service,
			.principal = cases[i].principal,
		};
		struct toll_flag_question q;

		assert_int_equal(toll_envoy_ask_check(&check, &h, 7, &q), 0);
		assert_string_equal(print(&q), cases[i].question);
	}
}

static void headers_tell_criticality_and_id(void **state TOLL_UNUSED)
{
	const struct toll_pair_list list = { configured, TOLL_COUNT(configured) };
	struct toll_envoy_check_request check = {
		.headers = { TEXT("id-1"), TEXT("cart"), { NULL, 0 }, TEXT("critical") }
	};
	struct toll_envoy_headers h;
	struct toll_flag_question q, again;

	toll_envoy_headers_init(&h, &list);
	assert_int_equal(toll_envoy_ask_check(&check, &h, 7, &q), 0);
	assert_string_equal(print(&q), "service=cart criticality:critical dice");
	assert_int_equal(toll_envoy_ask_check(&check, &h, 8, &again), 0);
	assert_true(q.dice == again.dice);
}

/* ---- refusals ---- */

static void a_refusal_says_who_why_and_until_when(void **state TOLL_UNUSED)
{
	struct toll_flag_answer a = { .allowed = 0.25,
		                      .retry_after_s = 60,
		                      .until_ms = UINT64_C(1700000000123),
		                      .reason = TOLL_FLAG_FAST_TRIP,
		                      .subject = "tenant:a\"b\\c\n" };
	struct toll_envoy_refusal_text text;
	struct toll_envoy_refusal r;

	toll_envoy_refuse(&a, 503, &text, &r);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.header_count, 3);
	assert_true(toll_slice_is(r.headers[0].key, "retry-after"));
	assert_true(toll_slice_is(r.headers[0].value, "60"));
	assert_true(toll_slice_is(r.headers[1].key, "x-spantoll-reason"));
	assert_true(toll_slice_is(r.headers[1].value, "fast_trip"));
	assert_true(toll_slice_is(r.headers[2].value, "application/json"));
	assert_true(toll_slice_is(
		r.body, "{\"throttled\":true,\"subject\":\"tenant:a\\\"b\\\\c\\n\",\"reason\":"
			"\"fast_trip\",\"allowed\":0.25,\"retry_after_s\":60,\"until_ms\":"
			"1700000000123}\n"));
}

static void the_longest_refusal_fits_its_bound(void **state TOLL_UNUSED)
{
	struct toll_flag_answer a = { .allowed = 1e-300 / 3,
		                      .retry_after_s = UINT32_MAX,
		                      .until_ms = UINT64_MAX / 1000000,
		                      .reason = TOLL_FLAG_FAST_TRIP };
	struct toll_envoy_refusal_text text;
	struct toll_envoy_refusal r;

	memset(a.subject, 1, TOLL_SUBJECT_MAX);
	toll_envoy_refuse(&a, 429, &text, &r);
	assert_true(r.body.len > 6 * TOLL_SUBJECT_MAX && r.body.len <= sizeof(text.body));
	assert_true(toll_envoy_refusal_size(&r) <= TOLL_ENVOY_REFUSAL_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_dimensions_but_for_those_of_envoy),
		cmocka_unit_test(a_request_with_an_id_has_its_own_dice),
		cmocka_unit_test(more_dimensions_than_a_question_has_are_refused),
		cmocka_unit_test(configured_headers_are_looked_for),
		cmocka_unit_test(extensions_come_before_headers_before_the_destination),
		cmocka_unit_test(headers_tell_criticality_and_id),
		cmocka_unit_test(a_refusal_says_who_why_and_until_when),
		cmocka_unit_test(the_longest_refusal_fits_its_bound),
	};

	return cmocka_run_group_tests_name("envoy_question", tests, NULL, NULL);
}
