/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/identity.h"

#include "pipeline/auth.h"
#include "proto/attr.h"
#include "proto/key.h"
#include "proto/otlp_encode.h"
#include "tests/support/otlp.h"
#include "tests/unit/unit.h"

static const struct toll_slice shop[] = { { "checkout", 8 }, { "cart-*", 6 } };
static const struct toll_slice search[] = { { "search", 6 } };
static const struct toll_slice any[] = { { "*", 1 } };
static const struct toll_otlp_identity rules[] = {
	{ { "shop", 4 }, { shop, 2 } },
	{ { "sh*", 3 }, { search, 1 } },
	{ { "admin", 5 }, { any, 1 } },
};
static const struct toll_group_list all = { rules, TOLL_COUNT(rules) }, none = { NULL, 0 };

/* One span of that service; NULL: a request whose ResourceSpans has no Resource. */
static struct toll_batch *batch_of_service(const char *service)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("test");

	msg_add(ss, 2, span_new("GET /", 1, 1000));
	if (service)
		msg_add(rs, 1, resource_new(service));
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	return batch_of_request(req);
}

/* What whoever reads the bytes that we send on takes for the service. */
static void expect_on_the_wire(struct toll_batch *b, const char *payer)
{
	struct toll_selection sel = { b, 0, TOLL_WHOLE_BATCH };
	size_t size = toll_otlp_size(&sel);
	char *bytes = malloc(size);
	struct toll_batch *again;
	uint32_t names = 0;
	int err;

	assert_ptr_equal(toll_otlp_encode(&sel, bytes), bytes + size);
	again = batch_of(toll_slice(bytes, size), &err, NULL);
	assert_int_equal(err, 0);
	assert_true(toll_slice_is(again->resources[0].service, payer));
	for (uint32_t i = 0; i < again->resources[0].node.attr_count; i++)
		names += again->resources[0].node.attrs[i].key_id == TOLL_KEY_SERVICE_NAME;
	assert_int_equal(names, 1);
	toll_batch_unref(again);
	free(bytes);
}

/* Who pays for one span of `claimed`, sent by `identity`. */
static void expect(const struct toll_group_list *list, const char *identity, const char *claimed,
                   const char *payer, uint32_t not_allowed, uint32_t reserved)
{
	struct toll_otlp_unverified n;
	struct toll_batch *b = batch_of_service(claimed);
	const struct toll_resource *r = &b->resources[0];

	assert_int_equal(toll_otlp_book(b, list, identity, &n), 0);
	assert_int_equal(n.not_allowed, not_allowed);
	assert_int_equal(n.reserved, reserved);
	assert_true(toll_slice_is(r->service, payer));
	if (not_allowed || reserved) {
		assert_true(toll_slice_is(r->claimed,
		                          claimed && *claimed ? claimed : "unknown_service"));
		expect_on_the_wire(b, payer);
	} else {
		assert_int_equal(r->claimed.len, 0);
		assert_null(r->node.edits);
	}
	toll_batch_unref(b);
}

static void lists_of_all_rules_that_fit_count(void **state TOLL_UNUSED)
{
	expect(&all, "shop", "checkout", "checkout", 0, 0);
	expect(&all, "shop", "cart-eu", "cart-eu", 0, 0);
	expect(&all, "shop", "search", "search", 0, 0);
	expect(&all, "admin", "anything", "anything", 0, 0);
}

static void the_rest_is_booked_to_the_client(void **state TOLL_UNUSED)
{
	expect(&all, "shop", "payroll", "unverified:shop", 1, 0);
	expect(&all, "shop", "checkout2", "unverified:shop", 1, 0);
	expect(&all, "shop", "", "unverified:shop", 1, 0);
	expect(&all, "shop", NULL, "unverified:shop", 1, 0);
	expect(&all, "stranger", "checkout", "unverified:stranger", 1, 0);
	expect(&all, "", "checkout", "unverified:anonymous", 1, 0);
	expect(&all, NULL, "checkout", "unverified:anonymous", 1, 0);
}

static void reserved_names_are_nobodys(void **state TOLL_UNUSED)
{
	expect(&all, "admin", "unverified:shop", "unverified:admin", 0, 1);
	expect(&none, NULL, "unverified:shop", "unverified:anonymous", 0, 1);
	expect(&none, "shop", "unverified:", "unverified:shop", 0, 1);
	expect(&none, NULL, "unverified", "unverified", 0, 0);
}

/* A second service.name says nothing to us, but to who takes the last one. */
static void expect_one_name(const char *identity, const char *first, const char *second,
                            const char *payer)
{
	struct msg *req = msg_new(), *rs = msg_new(), *ss = scope_spans_new("test");
	struct msg *resource = resource_new(first);
	struct toll_otlp_unverified n;
	struct toll_batch *b;

	msg_attr_str(resource, 1, "service.name", second);
	msg_attr_str(resource, 1, "service.version", "1");
	msg_attr_str(resource, 1, "service.name", second);
	msg_add(ss, 2, span_new("GET /", 1, 1000));
	msg_add(rs, 1, resource);
	msg_add(rs, 2, ss);
	msg_add(req, 1, rs);
	b = batch_of_request(req);
	assert_int_equal(toll_otlp_book(b, &all, identity, &n), 0);
	assert_true(toll_slice_is(b->resources[0].service, payer));
	expect_on_the_wire(b, payer);
	toll_batch_unref(b);
}

static void a_second_name_is_no_way_around(void **state TOLL_UNUSED)
{
	expect_one_name("shop", "checkout", "payroll", "checkout");
	expect_one_name("shop", "payroll", "checkout", "unverified:shop");
	expect_one_name("admin", "unverified:x", "payroll", "unverified:admin");
}

static void names_are_printed_so_that_they_break_nothing(void **state TOLL_UNUSED)
{
	char out[TOLL_IDENTITY_MAX], longest[400];

	toll_identity_print(TOLL_SLICE("spiffe://prod/ns/shop"), out);
	assert_string_equal(out, "spiffe://prod/ns/shop");
	toll_identity_print(TOLL_SLICE("a b\n%\xc3\xa9\x7f"), out);
	assert_string_equal(out, "a%20b%0A%25%C3%A9%7F");
	memset(longest, '%', sizeof(longest));
	toll_identity_print(toll_slice(longest, sizeof(longest)), out);
	assert_true(strlen(out) < TOLL_IDENTITY_MAX);
	assert_non_null(strchr(out, '~'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_all_rules_that_fit_count),
		cmocka_unit_test(the_rest_is_booked_to_the_client),
		cmocka_unit_test(reserved_names_are_nobodys),
		cmocka_unit_test(a_second_name_is_no_way_around),
		cmocka_unit_test(names_are_printed_so_that_they_break_nothing),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
