/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "receivers/otlp/cors.h"

static const char *header(const struct toll_http_response *r, const char *name)
{
	for (size_t i = 0; i < TOLL_HTTP_HEADERS && r->headers[i].name; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

static bool allowed(const char *pattern, const char *origin)
{
	struct toll_slice p = toll_slice_str(pattern);

	return toll_otlp_cors_origin(&(struct toll_slice_list){ &p, 1 }, toll_slice_str(origin));
}

static void origins_match_with_one_wildcard(void **state TOLL_UNUSED)
{
	assert_true(allowed("*", "https://a.b"));
	assert_true(allowed("*", ""));
	assert_true(allowed("https://shop.example", "https://shop.example"));
	assert_true(allowed("https://Shop.example", "HTTPS://shop.EXAMPLE"));
	assert_true(allowed("https://*.example", "https://a.example"));
	assert_true(allowed("https://*.example", "https://a.b.example"));
	assert_true(allowed("http://localhost:*", "http://localhost:3000"));
	assert_false(allowed("https://*.example", "https://example"));
	assert_false(allowed("https://*.example", "http://a.example"));
	assert_false(allowed("https://*.example", "https://a.example.evil"));
	assert_false(allowed("https://shop.example", "https://shop.example.evil"));
	assert_false(allowed("https://shop.example", "https://shop.exampl"));
	/* Head and tail may not share bytes. */
	assert_false(allowed("abc*cba", "abcba"));
	assert_false(toll_otlp_cors_origin(&(struct toll_slice_list){ NULL, 0 },
	                                   TOLL_SLICE("https://a")));
}

static bool headers_allowed(const char *pattern, const char *names)
{
	struct toll_slice p = toll_slice_str(pattern);

	return toll_otlp_cors_headers(&(struct toll_slice_list){ &p, 1 }, toll_slice_str(names));
}

static void request_headers_are_checked_one_by_one(void **state TOLL_UNUSED)
{
	assert_true(headers_allowed("x-key", "X-Key"));
	assert_true(headers_allowed("x-key", "content-type, x-key"));
	assert_true(headers_allowed("x-key", "content-type,x-key , Accept"));
	assert_true(headers_allowed("x-key", ""));
	assert_true(headers_allowed("x-key", ","));
	assert_true(headers_allowed("*", "anything, at-all"));
	assert_false(headers_allowed("x-key", "x-key2"));
	assert_false(headers_allowed("x-key", "x-key, authorization"));
	assert_false(headers_allowed("x-key", "x key"));
}

static const struct toll_slice pages[] = { { "https://*.shop.example", 22 } };
static const struct toll_slice any[] = { { "https://other.example", 21 }, { "*", 1 } };
static const struct toll_slice exposed[] = { { "Retry-After", 11 }, { "X-Here", 6 } };
static const struct toll_otlp_cors_config config = { .allowed_origins = { pages, 1 },
	                                             .exposed_headers = { exposed, 2 },
	                                             .max_age = 600 };

static void a_page_is_permitted_before_and_after(void **state TOLL_UNUSED)
{
	struct toll_otlp_cors c;
	struct toll_http_response r = { .status = 200 };
	struct toll_otlp_preflight p = { "https://a.shop.example", "POST", "content-type" };

	assert_int_equal(toll_otlp_cors_init(&c, &config), 0);
	toll_otlp_cors_preflight(&c, &p, &r);
	assert_int_equal(r.status, 204);
	assert_string_equal(header(&r, "Access-Control-Allow-Origin"), p.origin);
	assert_string_equal(header(&r, "Access-Control-Allow-Methods"), "POST");
	assert_string_equal(header(&r, "Access-Control-Allow-Headers"), "content-type");
	assert_string_equal(header(&r, "Access-Control-Max-Age"), "600");
	assert_non_null(strstr(header(&r, "Vary"), "Origin"));
	r = (struct toll_http_response){ .status = 200 };
	toll_otlp_cors_answer(&c, p.origin, &r);
	assert_string_equal(header(&r, "Access-Control-Allow-Origin"), p.origin);
	assert_string_equal(header(&r, "Access-Control-Expose-Headers"), "Retry-After, X-Here");
	assert_string_equal(header(&r, "Vary"), "Origin");
	toll_otlp_cors_release(&c);
}

static void others_get_an_answer_without_permission(void **state TOLL_UNUSED)
{
	static const struct toll_otlp_preflight cases[] = {
		{ "https://evil.example", "POST", NULL },
		{ NULL, "POST", NULL },
		{ "https://a.shop.example", "DELETE", NULL },
		{ "https://a.shop.example", "POST", "x-unknown" },
	};
	struct toll_otlp_cors c;
	struct toll_http_response r = { .status = 200 };

	assert_int_equal(toll_otlp_cors_init(&c, &config), 0);
	for (size_t i = 0; i < TOLL_COUNT(cases); i++) {
		r = (struct toll_http_response){ .status = 200 };
		toll_otlp_cors_preflight(&c, &cases[i], &r);
		assert_int_equal(r.status, 204);
		assert_null(header(&r, "Access-Control-Allow-Origin"));
		assert_null(header(&r, "Access-Control-Allow-Headers"));
	}
	r = (struct toll_http_response){ .status = 200 };
	toll_otlp_cors_answer(&c, "https://evil.example", &r);
	assert_null(header(&r, "Access-Control-Allow-Origin"));
	assert_non_null(header(&r, "Vary"));
	toll_otlp_cors_release(&c);
}

static void any_page_goes_without_credentials(void **state TOLL_UNUSED)
{
	const struct toll_otlp_cors_config all = { .allowed_origins = { any, 2 }, .max_age = -1 };
	struct toll_otlp_preflight p = { "https://other.example", "POST", NULL };
	struct toll_otlp_cors c;
	struct toll_http_response r = { .status = 200 };

	assert_int_equal(toll_otlp_cors_init(&c, &all), 0);
	toll_otlp_cors_preflight(&c, &p, &r);
	assert_string_equal(header(&r, "Access-Control-Allow-Origin"), "*");
	assert_null(header(&r, "Access-Control-Allow-Credentials"));
	assert_string_equal(header(&r, "Access-Control-Max-Age"), "0");
	toll_otlp_cors_release(&c);
}

static void off_says_nothing(void **state TOLL_UNUSED)
{
	const struct toll_otlp_cors_config none = { .max_age = 0 };
	struct toll_otlp_cors c;
	struct toll_http_response r = { .status = 200 };

	assert_int_equal(toll_otlp_cors_init(&c, &none), 0);
	assert_false(toll_otlp_cors_on(&c));
	toll_otlp_cors_answer(&c, "https://a.shop.example", &r);
	assert_null(r.headers[0].name);
	toll_otlp_cors_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_match_with_one_wildcard),
		cmocka_unit_test(request_headers_are_checked_one_by_one),
		cmocka_unit_test(a_page_is_permitted_before_and_after),
		cmocka_unit_test(others_get_an_answer_without_permission),
		cmocka_unit_test(any_page_goes_without_credentials),
		cmocka_unit_test(off_says_nothing),
	};

	return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}
