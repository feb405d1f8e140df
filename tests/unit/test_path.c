/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/path.h"

#include "tests/unit/unit.h"

static struct toll_arena arena;

static int empty_arena(void **state TOLL_UNUSED)
{
	toll_arena_init(&arena, 1 << 20);
	return 0;
}

static int release_arena(void **state TOLL_UNUSED)
{
	toll_arena_release(&arena);
	return 0;
}

static struct toll_slice fold(const struct toll_path_rules *rules, const char *path)
{
	struct toll_slice folded, again;

	assert_int_equal(toll_path_fold(&arena, toll_slice_str(path), rules, &folded), 0);
	assert_int_equal(toll_path_fold(&arena, folded, rules, &again), 0);
	assert_true(toll_slice_eq(folded, again));
	return folded;
}

static void expect(const struct toll_path_rules *rules, const char *path, const char *expected)
{
	struct toll_slice folded = fold(rules, path);

	if (!toll_slice_is(folded, expected))
		fail_msg("%s became %.*s, not %s", path, TOLL_FMT(folded), expected);
}

struct fold_case {
	const char *path, *folded;
};

static void expect_all(const struct fold_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(NULL, cases[i].path, cases[i].folded);
}

static void variable_parts_are_folded(void **state TOLL_UNUSED)
{
	static const struct fold_case cases[] = {
		{ "/api/v2/users/123/orders/456", "/api/v2/users/*/orders/*" },
		{ "/users/0", "/users/*" },
		{ "/users/-17/", "/users/*/" },
		{ "/v1/1", "/v1/*" },
		{ "/prices/12.50", "/prices/*" },
		{ "/geo/48.8584,2.2945", "/geo/*" },
		{ "/host/10.0.0.1", "/host/*" },
		{ "/u/0190163d-8694-739b-aea5-966c26f8ad91/x", "/u/*/x" },
		{ "/u/0190163D-8694-739B-AEA5-966C26F8AD91", "/u/*" },
		{ "/u/abcdefab-cdef-abcd-efab-cdefabcdefab", "/u/*" },
		{ "/u/order-0190163d-8694-739b-aea5-966c26f8ad91", "/u/*" },
		{ "/u/0190163d-8694-739b-aea5-966c26f8ad91.pdf", "/u/*" },
		{ "/commit/5ca7629", "/commit/*" },
		{ "/commit/5ca7629d4a6a4a8e9b0c1d2e3f4a5b6c7d8e9f00", "/commit/*" },
		{ "/hash/abcdefabcdefabcd", "/hash/*" },
		{ "/tx/0x1a2B", "/tx/*" },
		{ "/mongo/507f1f77bcf86cd799439011", "/mongo/*" },
		{ "/ulid/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/ulid/*" },
		{ "/ulid/01arz3ndektsv4rrffq69g5fav", "/ulid/*" },
		{ "/day/2026-11-21", "/day/*" },
		{ "/day/20261121", "/day/*" },
		{ "/at/2026-11-21T10:15:00Z", "/at/*" },
		{ "/at/2026-11-21T10:15:00.123+01:00", "/at/*" },
		{ "/at/20261121T101500Z", "/at/*" },
		{ "/mail/jane.doe@example.com", "/mail/*" },
		{ "/mail/jane%40example.com", "/mail/*" },
		{ "/orders/order-48151", "/orders/*" },
		{ "/orders/ord_48151/items", "/orders/*/items" },
		{ "/questions/48151.json", "/questions/*" },
		{ "/questions/42.json", "/questions/*" },
		{ "/jobs/42:cancel", "/jobs/*" },
		{ "/user12345", "/*" },
		{ "/token/a1b2c3d4e5f6g7h8i9j0k1l2", "/token/*" },
		{ "/token/AKIAIOSFODNN7EXAMPLE2XYZW", "/token/*" },
		{ "123/456", "*/*" },
		{ "//1//2//", "//*//*//" },
	};

	expect_all(cases, TOLL_COUNT(cases));
}

static void words_and_versions_stay(void **state TOLL_UNUSED)
{
	static const char *const paths[] = {
		"",
		"/",
		"*",
		"/*",
		"/users/*/orders/*",
		"/api/v2/users",
		"/api/v1beta1/pods",
		"/V12.1/x",
		"/health",
		"/oauth2/token",
		"/s3/ec2/k8s/utf8",
		"/i18n/en-us",
		"/sha256/base64",
		"/step-2",
		"/covid-19",
		"/facade/defaced/face2face",
		"/hello%20world%2012",
		"/caf\xc3\xa9",
		"/users/{id}/orders/:order_id",
		"/@scope/package",
		"/{id}",
		"/getUserByIdV2",
		"/5z",
		"/$batch",
	};

	for (size_t i = 0; i < TOLL_COUNT(paths); i++) {
		expect(NULL, paths[i], paths[i]);
		/* No copy where nothing changes. */
		assert_ptr_equal(fold(NULL, paths[i]).ptr, paths[i]);
	}
}

static void a_long_v_is_no_version(void **state TOLL_UNUSED)
{
	expect(NULL, "/v1234/x", "/v1234/x");
	expect(NULL, "/v123456/x", "/*/x");
}

static void query_fragment_and_parameters_are_cut(void **state TOLL_UNUSED)
{
	static const struct fold_case cases[] = {
		{ "/a?b=1", "/a" },
		{ "/a/1?b=/2", "/a/*" },
		{ "/a#b", "/a" },
		{ "?a", "" },
		{ "/cart;jsessionid=1A2B3C/pay", "/cart/pay" },
		{ "/cart;a=1;b=2", "/cart" },
		{ "/1;v=2/x", "/*/x" },
		{ "/;x", "/;x" },
	};

	expect_all(cases, TOLL_COUNT(cases));
}

static void urls_keep_scheme_and_authority(void **state TOLL_UNUSED)
{
	static const struct fold_case cases[] = {
		{ "https://api.example.com:8443/users/123?x=1",
		  "https://api.example.com:8443/users/*" },
		{ "http://10.0.0.1/1", "http://10.0.0.1/*" },
		{ "https://host", "https://host" },
		{ "https://host?x", "https://host" },
		{ "HTTP://h/1", "HTTP://h/*" },
		{ "grpc+tls://h/1", "grpc+tls://h/*" },
		{ "/redirect/http://h1/2", "/redirect/http://h1/*" },
	};

	expect_all(cases, TOLL_COUNT(cases));
	assert_true(toll_slice_is(toll_path_of_url(TOLL_SLICE("https://h:1/a?b")), "/a?b"));
	assert_true(toll_slice_is(toll_path_of_url(TOLL_SLICE("https://h")), "/"));
	assert_true(toll_slice_is(toll_path_of_url(TOLL_SLICE("https://h?x")), "/"));
	assert_true(toll_slice_is(toll_path_of_url(TOLL_SLICE("/a:/b")), "/a:/b"));
	assert_true(toll_slice_is(toll_path_of_url(TOLL_SLICE("a://")), "/"));
	assert_true(toll_slice_is(toll_path_of_url(TOLL_SLICE("")), ""));
}

static void very_long_segments_are_folded(void **state TOLL_UNUSED)
{
	char path[200] = "/files/";

	memset(path + 7, 'w', 101);
	expect(NULL, path, "/files/*");
	path[107] = '\0';
	expect(NULL, path, path);
}

static struct toll_path_rules *rules_of(const char *placeholder, const char *keep,
                                        const char *replace)
{
	struct toll_slice keep_text = keep ? toll_slice_str(keep) : TOLL_SLICE("");
	struct toll_slice replace_text = replace ? toll_slice_str(replace) : TOLL_SLICE("");
	struct toll_path_settings set = { toll_slice_str(placeholder), &keep_text, &replace_text,
		                          keep != NULL, replace != NULL };
	struct toll_path_rules *rules = NULL;
	struct toll_error why;

	if (toll_path_rules_new(&set, &rules, &why) < 0)
		return NULL;
	return rules;
}

static void users_have_the_last_word(void **state TOLL_UNUSED)
{
	static const struct {
		const char *keep, *replace, *path, *folded;
	} cases[] = {
		{ NULL, "^sku-", "/p/sku-red/7", "/p/{id}/{id}" },
		{ NULL, "-old$", "/p/red-old/old-red", "/p/{id}/old-red" },
		{ NULL, "^red$", "/red/reds", "/{id}/reds" },
		{ NULL, "re", "/pre/per", "/{id}/per" },
		{ NULL, "^$", "/a//b", "/a//b" },
		{ "^404$", NULL, "/404/405", "/404/{id}" },
		{ "^[0-9]{3}$", NULL, "/404/4040", "/404/{id}" },
		{ NULL, "^[a-z]+_[A-Za-z0-9]+$", "/cus_NffrFeUfNV2Hib/x", "/{id}/x" },
		{ "^sku-keep", "^sku-", "/sku-keep/sku-x", "/sku-keep/{id}" },
		{ NULL, "id", "/{id}/1", "/{id}/{id}" },
	};

	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		struct toll_path_rules *rules = rules_of("{id}", cases[i].keep, cases[i].replace);

		assert_non_null(rules);
		expect(rules, cases[i].path, cases[i].folded);
		toll_path_rules_free(rules);
	}
}

static void bad_rules_are_refused(void **state TOLL_UNUSED)
{
	struct toll_slice bad = TOLL_SLICE("(");
	struct toll_path_settings set = { TOLL_SLICE("*"), &bad, NULL, 1, 0 };
	struct toll_path_rules *rules = NULL;
	struct toll_error why;

	assert_int_equal(toll_path_rules_new(&set, &rules, &why), TOLL_ECONFIG);
	assert_non_null(strstr(why.text, "\"(\""));
	assert_null(rules);
	assert_null(rules_of("", NULL, NULL));
	assert_null(rules_of("a/b", NULL, NULL));
	assert_null(rules_of("123456789012345678901234567890123", NULL, NULL));
	assert_null(rules_of("*", "", NULL));
	assert_null(toll_path_rules_free(NULL));
}

static void want_of_memory_is_told(void **state TOLL_UNUSED)
{
	struct toll_arena small;
	struct toll_slice folded;

	toll_arena_init(&small, 1);
	assert_int_equal(toll_path_fold(&small, TOLL_SLICE("/1"), NULL, &folded), TOLL_ETOOBIG);
	assert_int_equal(toll_path_fold(&small, TOLL_SLICE("/a"), NULL, &folded), 0);
	toll_arena_release(&small);
}

#define test(f) cmocka_unit_test_setup_teardown(f, empty_arena, release_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(variable_parts_are_folded),      test(words_and_versions_stay),
		test(a_long_v_is_no_version),         test(query_fragment_and_parameters_are_cut),
		test(urls_keep_scheme_and_authority), test(very_long_segments_are_folded),
		test(users_have_the_last_word),       test(bad_rules_are_refused),
		test(want_of_memory_is_told),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
