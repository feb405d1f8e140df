/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP API on flags and an enforcer that the test plays; with the real ones:
 * tests/integration/test_admin.py. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "extensions/admin/admin.h"
#include "extensions/admin/guard.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "tests/support/http.h"

extern const struct toll_factory toll_extension_admin;

#define NOW "Host: localhost\r\nConnection: close\r\n"

static const struct toll_pair headers[] = { { { "service", 7 }, { "x-service-name", 14 } },
	                                    { { "criticality", 11 }, { "x-class", 7 } } };

struct rig {
	struct toll_host *host;
	struct toll_component *component;
	struct toll_admin_config config;
	struct toll_flag_source flags;
	struct toll_budget_control control;
	struct toll_authenticator auth;
	char endpoint[64];
	uint16_t port;
	/* What the enforcer was asked last, and what it says. */
	char asked[1024];
	int err;
};

/* ---- an enforcer ---- */

static struct rig *rig_of(struct toll_budget_control *c)
{
	return toll_container_of(c, struct rig, control);
}

static int note(struct rig *g, struct toll_error *reterr, const char *fmt, ...) TOLL_PRINTF(3, 4);
static int note(struct rig *g, struct toll_error *reterr, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(g->asked, sizeof(g->asked), fmt, args);
	va_end(args);
	return g->err ? toll_fail(reterr, g->err, "the store \"says\" no") : 0;
}

static int list(struct toll_budget_control *self,
                void (*row)(void *ctx, const struct toll_budget_row *r), void *ctx)
{
	static const struct toll_budget_row rows[] = {
		{ .subject = { "payment-svc", 11 },
		  .budget = { "payments", 8 },
		  .mode = "enforce",
		  .window = "24h",
		  .limit_pico = 500 * TOLL_PICO_PER_USD,
		  .spent_nano = INT64_C(512400000001),
		  .ema_usd = 506.1,
		  .over = 3,
		  .forecast_s = -1,
		  .throttled = true,
		  .until_ms = 1795000000000 },
		{ .subject = { "te\"st", 5 },
		  .mode = "",
		  .window = "",
		  .forecast_s = -1,
		  .spent_nano = 400 },
	};

	for (size_t i = 0; i < TOLL_COUNT(rows); i++)
		row(ctx, &rows[i]);
	return note(rig_of(self), NULL, "list");
}

static int override(struct toll_budget_control *self, struct toll_slice subject,
                    enum toll_override what, uint64_t ttl_s, const char *who, const char *why,
                    struct toll_error *reterr)
{
	return note(rig_of(self), reterr, "override %.*s %s %llu %s|%s", TOLL_FMT(subject),
	            toll_override_name(what), (unsigned long long)ttl_s, who, why);
}

static int kill_all(struct toll_budget_control *self, bool on, const char *who, const char *why,
                    struct toll_error *reterr)
{
	return note(rig_of(self), reterr, "kill %d %s|%s", on, who, why);
}

static int is_killed(struct toll_budget_control *self, bool *ret_on, char who[256],
                     struct toll_error *reterr)
{
	*ret_on = true;
	snprintf(who, 256, "alice: prices");
	return note(rig_of(self), reterr, "is_killed");
}

static int set_budget(struct toll_budget_control *self, struct toll_slice name,
                      struct toll_slice json, const char *who, struct toll_error *reterr)
{
	return note(rig_of(self), reterr, "budget %.*s %.*s %s", TOLL_FMT(name), TOLL_FMT(json),
	            who);
}

static int audit(struct toll_budget_control *self, struct toll_slice subject, uint32_t limit,
                 void (*line)(void *ctx, struct toll_slice json), void *ctx,
                 struct toll_error *reterr)
{
	line(ctx, TOLL_SLICE("{\"what\":\"set\"}"));
	line(ctx, TOLL_SLICE("{\"what\":\"release\"}"));
	return note(rig_of(self), reterr, "audit %.*s %u", TOLL_FMT(subject), limit);
}

static int budgets(struct toll_budget_control *self,
                   void (*row)(void *ctx, struct toll_slice name, struct toll_slice json,
                               const char *source),
                   void *ctx, struct toll_error *reterr)
{
	row(ctx, TOLL_SLICE("payments"), TOLL_SLICE("{\"limit\":500}"), "file");
	return note(rig_of(self), reterr, "budgets");
}

/* ---- an authenticator ---- */

static int check(struct toll_authenticator *a TOLL_UNUSED, const struct toll_auth_request *q,
                 char identity[TOLL_IDENTITY_MAX], const char **ret_why)
{
	if (!toll_slice_is(q->header(q, "authorization"), "Bearer good")) {
		*ret_why = "a token is required";
		return TOLL_EDENIED;
	}
	toll_identity_print(TOLL_SLICE("alice"), identity);
	return 0;
}

/* ---- life ---- */

static void drop(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static void begin(struct rig *g)
{
	struct toll_settings set = { .id = { "admin", "", "admin" },
		                     .who = "extension/admin",
		                     .host = g->host };

	assert_int_equal(toll_extension_admin.create(&set, &g->config, &g->component, NULL), 0);
	assert_int_equal(g->component->ops->start(g->component, NULL), 0);
}

static void end(struct rig *g)
{
	g->component->ops->shutdown(g->component, 0);
	g->component->ops->free(g->component);
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	toll_log_set_sink(drop, NULL);
	g->host = toll_host_new();
	assert_non_null(g->host);
	g->port = http_free_port();
	snprintf(g->endpoint, sizeof(g->endpoint), "127.0.0.1:%u", g->port);
	g->config = (struct toll_admin_config){ .endpoint = toll_slice_str(g->endpoint),
		                                .headers = { headers, TOLL_COUNT(headers) },
		                                .max_age = 60 * TOLL_S };
	g->control = (struct toll_budget_control){ list,       override, kill_all, is_killed,
		                                   set_budget, audit,    budgets };
	g->auth = (struct toll_authenticator){ check, "Bearer" };
	toll_flag_source_init(&g->flags);
	toll_flags_heard(&g->flags, toll_clock_mono_ns());
	assert_int_equal(toll_host_publish(g->host, "flags", "enforcer", &g->flags), 0);
	assert_int_equal(toll_host_publish(g->host, "budgets", "enforcer", &g->control), 0);
	assert_int_equal(toll_host_publish(g->host, "auth", "tokens", &g->auth), 0);
	begin(g);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	end(g);
	toll_host_free(g->host);
	toll_flag_source_release(&g->flags);
	free(g);
	return 0;
}

/* ---- asking ---- */

static const char *ask(struct rig *g, const char *line, const char *more, const char *body)
{
	char request[40000];

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\n" NOW "%sContent-Length: %zu\r\n\r\n%s",
	         line, more, strlen(body), body);
	return http_ask(g->port, request);
}

static const char *get(struct rig *g, const char *path)
{
	char line[600];

	snprintf(line, sizeof(line), "GET %s", path);
	return ask(g, line, "", "");
}

static const char *put(struct rig *g, const char *path, const char *body)
{
	char line[600];

	snprintf(line, sizeof(line), "PUT %s", path);
	return ask(g, line, "Content-Type: application/json\r\n", body);
}

static bool says(const char *answer, unsigned status, const char *text)
{
	char first[32];

	snprintf(first, sizeof(first), "HTTP/1.1 %u ", status);
	if (strncmp(answer, first, strlen(first)) == 0 && strstr(answer, text))
		return true;
	print_message("not %u with %s: %s\n", status, text, answer);
	return false;
}

static void throttle(struct rig *g, const char *subject, double allowed)
{
	struct toll_flag f = { .subject = toll_slice_str(subject),
		               .throttled = true,
		               .allowed = allowed,
		               .until_ms = toll_clock_wall_ms() + (uint64_t)3600 * 1000,
		               .retry_after_s = 57,
		               .spent_nano = INT64_C(512400000001),
		               .limit_pico = 500 * TOLL_PICO_PER_USD,
		               .window = "24h" };

	assert_int_equal(toll_flags_publish(&g->flags, &f, 1), 0);
}

static uint64_t counted(struct rig *g, enum toll_admin_outcome o)
{
	return atomic_load(
		&toll_container_of(g->component, struct toll_admin, super.super)->counts->by[o]);
}

/* ---- may this request pass? ---- */

static void a_throttled_service_is_told_when_to_come_again(void **state)
{
	struct rig *g = *state;
	const char *a = get(g, "/v1/throttle/payment-svc");

	assert_true(says(a, 200,
	                 "{\"throttled\":false,\"stale\":false,\"service\":\"payment-svc\","
	                 "\"allowed\":1}\n"));
	throttle(g, "payment-svc", 0);
	a = get(g, "/v1/throttle/payment-svc");
	assert_true(says(a, 429, "\r\nRetry-After: 57\r\n"));
	assert_non_null(strstr(a, "\r\nX-Spantoll-Allowed: 0\r\n"));
	assert_non_null(strstr(a, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(a, "\"subject\":\"payment-svc\",\"reason\":\"budget\","
	                          "\"retry_after_s\":57,\"until_ms\":"));
	assert_non_null(strstr(a, "\"spent_usd\":512.400000001,\"limit_usd\":500,"
	                          "\"window\":\"24h\"}\n"));
	assert_true(says(get(g, "/v1/throttle?service=payment-svc"), 429, "\"throttled\":true"));
	assert_true(says(get(g, "/v1/throttle/payment-svc?status=403"), 403, "Retry-After: 57"));
	assert_true(says(get(g, "/v1/throttle/other"), 200, "\"throttled\":false"));
	assert_int_equal(counted(g, TOLL_ADMIN_THROTTLED), 3);
	assert_int_equal(counted(g, TOLL_ADMIN_ALLOWED), 2);
}

static void any_dimension_may_be_asked_for(void **state)
{
	struct rig *g = *state;

	throttle(g, "tenant:acme", 0);
	assert_true(says(get(g, "/v1/throttle/a?tenant=acme"), 429, "\"subject\":\"tenant:acme\""));
	assert_true(says(get(g, "/v1/throttle?tenant=acme"), 429, "\"throttled\":true"));
	assert_true(
		says(get(g, "/v1/throttle/a?tenant=acme&tenant=b"), 400, "given twice: tenant"));
	assert_true(says(get(g, "/v1/throttle"), 400, "{\"error\":\"name a service"));
	assert_true(
		says(get(g, "/v1/throttle?a=&b=&c=&d=&e=&f=&g=&h=&i="), 400, "more dimensions"));
	assert_true(says(get(g, "/v1/throttle/a?status=200"), 400, "status must be"));
	assert_true(says(get(g, "/v1/throttle/a?criticality=hi"), 400, "criticality must be"));
}

static void names_may_hold_anything(void **state)
{
	struct rig *g = *state;

	throttle(g, "a%3Ab/%7Bc%7D", 0);
	assert_true(says(get(g, "/v1/throttle/a%3Ab/%7Bc%7D"), 429, "\"service\":\"a:b/{c}\""));
	assert_true(says(get(g, "/v1/throttle/%22%0A%3C"), 200, "\"service\":\"\\\"\\n<\""));
}

static void what_sheds_last_is_let_through(void **state)
{
	struct rig *g = *state;
	const char *a;

	throttle(g, "payment-svc", 0.25);
	a = get(g, "/v1/throttle/payment-svc?criticality=critical");
	assert_true(says(a, 200, "\"allowed\":1,\"subject\":\"payment-svc\""));
	assert_true(says(get(g, "/v1/throttle/payment-svc?criticality=low"), 429, "\"allowed\":0"));
}

static void an_old_copy_lets_everybody_pass(void **state)
{
	struct rig *g = *state;

	throttle(g, "payment-svc", 0);
	g->config.max_age = 1;
	assert_true(says(get(g, "/v1/throttle/payment-svc"), 200,
	                 "{\"throttled\":false,\"stale\":true"));
	toll_host_withdraw(g->host, &g->flags);
	assert_true(says(get(g, "/v1/throttle/payment-svc"), 200, "\"stale\":true"));
	assert_int_equal(counted(g, TOLL_ADMIN_STALE), 2);
}

/* Path, query and body are those of the request that is asked about. */
static void a_proxy_may_send_on_the_request(void **state)
{
	struct rig *g = *state;
	const char *me = "X-Service-Name: payment-svc\r\nHost: shop.example\r\n";

	throttle(g, "payment-svc", 0);
	assert_true(says(ask(g, "POST /v1/authz/orders?service=b&status=403", me, "body"), 429,
	                 "Retry-After: 57"));
	assert_true(says(ask(g, "DELETE /v1/authz", me, ""), 429, "\"throttled\":true"));
	assert_true(says(ask(g, "GET /v1/authz/", "", ""), 200, "\"allowed\":1"));
	throttle(g, "payment-svc", 0.5);
	assert_true(says(ask(g, "GET /v1/authz/",
	                     "X-Service-Name: payment-svc\r\nX-Class: critical\r\n", ""),
	                 200, "\"allowed\":1"));
}

/* ---- what there is ---- */

static void spend_is_exact(void **state)
{
	struct rig *g = *state;
	const char *a = get(g, "/v1/spend");

	assert_true(says(a, 200,
	                 "{\"rows\":[\n{\"subject\":\"payment-svc\",\"state\":\"throttled\","
	                 "\"spent_usd\":512.400000001,\"budget\":\"payments\",\"mode\":\"enforce\","
	                 "\"window\":\"24h\",\"limit_usd\":500,\"utilization_pct\":102.480000,"
	                 "\"ema_usd\":506.100000,\"evaluations_over\":3,\"evaluations_under\":0,"
	                 "\"throttled\":true,\"until_ms\":1795000000000},\n"));
	assert_non_null(strstr(a, "{\"subject\":\"te\\\"st\",\"state\":\"none\","
	                          "\"spent_usd\":0.0000004,\"throttled\":false}]}\n"));
	assert_true(
		says(get(g, "/v1/budgets"), 200,
	             "{\"name\":\"payments\",\"source\":\"file\",\"budget\":{\"limit\":500}}]}"));
	assert_true(says(get(g, "/v1/kill"), 200, "{\"by\":\"alice: prices\",\"on\":true}"));
	assert_true(says(get(g, "/v1/audit?subject=tenant:acme&limit=2"), 200,
	                 "{\"events\":[\n{\"what\":\"set\"},\n{\"what\":\"release\"}]}\n"));
	assert_string_equal(g->asked, "audit tenant:acme 2");
	assert_true(says(get(g, "/v1/audit?limit=0"), 400, "limit must be 1 to 1000"));
	assert_int_equal(counted(g, TOLL_ADMIN_DONE), 4);
}

static void the_stores_troubles_are_told(void **state)
{
	struct rig *g = *state;

	g->err = TOLL_EDOWN;
	assert_true(says(get(g, "/v1/audit"), 503, "{\"error\":\"the store \\\"says\\\" no\"}"));
	assert_true(says(get(g, "/v1/spend"), 503, "{\"error\":"));
	g->err = TOLL_ETIMEOUT;
	assert_true(says(put(g, "/v1/kill", "{\"on\":true}"), 504, "{\"error\":"));
	g->err = TOLL_EREFUSED;
	assert_true(says(put(g, "/v1/budgets/a", "{}"), 502, "{\"error\":"));
	g->err = TOLL_EINVALID;
	assert_true(says(put(g, "/v1/budgets/a", "{}"), 400, "{\"error\":"));
	toll_host_withdraw(g->host, &g->control);
	assert_true(says(get(g, "/v1/spend"), 503, "no enforcer runs here"));
	assert_true(says(put(g, "/v1/kill", "{\"on\":false}"), 503, "Retry-After: 1"));
}

/* ---- changes ---- */

static void changes_reach_the_enforcer(void **state)
{
	struct rig *g = *state;

	assert_true(says(put(g, "/v1/overrides/tenant:acme",
	                     "{\"action\":\"deny\",\"ttl\":\"1h30m\",\"why\":\"incident 42\"}"),
	                 200, "{\"subject\":\"tenant:acme\",\"action\":\"deny\",\"ttl_s\":5400}"));
	assert_string_equal(g->asked, "override tenant:acme deny 5400 local|incident 42");
	put(g, "/v1/overrides/a%253Ab", "{\"who\":\"bob\",\"action\":\"allow\"}");
	assert_string_equal(g->asked, "override a%3Ab allow 3600 local:bob|");
	assert_true(says(ask(g, "DELETE /v1/overrides/a?why=over&who=bob", "", ""), 200,
	                 "\"action\":\"clear\""));
	assert_string_equal(g->asked, "override a  0 local:bob|over");
	assert_true(says(put(g, "/v1/kill", "{\"on\":true,\"why\":\"x\"}"), 200, "\"on\":true"));
	assert_string_equal(g->asked, "kill 1 local|x");
	assert_true(says(put(g, "/v1/budgets/payments", "{\"limit\":5}"), 200, "\"set\":true"));
	assert_string_equal(g->asked, "budget payments {\"limit\":5} local");
	assert_true(says(ask(g, "DELETE /v1/budgets/payments", "", ""), 200, "\"set\":false"));
	assert_string_equal(g->asked, "budget payments  local");
}

static void wrong_bodies_get_a_sentence(void **state)
{
	struct rig *g = *state;
	const char *json = "Content-Type: application/json\r\n";
	static char large[TOLL_ADMIN_BODY_MAX + 2];

	assert_true(says(put(g, "/v1/kill", ""), 400, "the body must be a JSON object"));
	assert_true(says(put(g, "/v1/kill", "[]"), 400, "the body must be a JSON object"));
	assert_true(says(put(g, "/v1/kill", "{\"on\":tru}"), 400, "no JSON, at byte"));
	assert_true(says(put(g, "/v1/kill", "{\"on\":1}"), 400, "on\\\" must be true or false"));
	assert_true(says(put(g, "/v1/kill", "{\"why\":null}"), 400, "why\\\" must be a text"));
	assert_true(says(put(g, "/v1/kill", "{\"why\":{}}"), 400, "why\\\" must be a text"));
	assert_true(says(put(g, "/v1/kill", "{\"no\":true}"), 400, "did you mean \\\"on\\\"?"));
	assert_true(says(put(g, "/v1/kill", "{\"on\":true,\"on\":true}"), 400, "given twice"));
	assert_true(says(put(g, "/v1/kill", "{\"why\":\"x\"}"), 400, "is missing"));
	assert_true(says(put(g, "/v1/overrides/a", "{\"action\":\"block\"}"), 400, "\\\"deny\\\""));
	assert_true(
		says(put(g, "/v1/overrides/a", "{\"ttl\":\"5\"}"), 400, "ttl: \\\"5\\\" needs"));
	assert_true(says(put(g, "/v1/overrides/a", "{\"ttl\":\"32d\"}"), 400, "at most 31d"));
	assert_true(says(ask(g, "PUT /v1/kill", "", "{\"on\":true}"), 415, "application/json"));
	assert_true(says(ask(g, "PUT /v1/kill", "Content-Type: application/jsonp\r\n", "{}"), 415,
	                 "application/json"));
	memset(large, ' ', sizeof(large) - 1);
	assert_true(says(ask(g, "PUT /v1/budgets/a", json, large), 413, "larger than 16384 bytes"));
	assert_string_equal(g->asked, "");
}

static void methods_and_paths_are_checked(void **state)
{
	struct rig *g = *state;

	assert_true(says(get(g, "/"), 404, "{\"error\":\"there is no such path"));
	assert_true(says(get(g, "/v1/overrides/"), 404, "{\"error\":"));
	assert_true(says(ask(g, "POST /v1/kill", "", "{}"), 405, "Allow: GET, HEAD, PUT\r\n"));
	assert_true(says(ask(g, "GET /v1/overrides/a", "", ""), 405, "Allow: PUT, DELETE\r\n"));
	assert_true(says(ask(g, "OPTIONS /v1/kill", "", ""), 405, "Allow: GET, HEAD, PUT\r\n"));
	assert_true(says(ask(g, "HEAD /v1/spend", "", ""), 200, "Content-Type: application/json"));
	assert_true(says(ask(g, "HEAD /v1/throttle/a", "", ""), 200, "X-Spantoll-Allowed: 1"));
}

/* ---- who asks ---- */

static void pages_of_other_sites_are_refused(void **state)
{
	struct rig *g = *state;
	char request[200];

	assert_true(says(ask(g, "GET /v1/spend", "Origin: http://evil.example\r\n", ""), 403,
	                 "another site"));
	assert_true(says(ask(g, "GET /v1/spend", "Origin: null\r\n", ""), 403, "another site"));
	assert_true(says(ask(g, "GET /v1/spend", "Sec-Fetch-Site: cross-site\r\n", ""), 403,
	                 "another site"));
	assert_true(says(ask(g, "GET /v1/spend", "Origin: http://localhost\r\n", ""), 200, "rows"));
	snprintf(request, sizeof(request),
	         "GET /v1/spend HTTP/1.1\r\nHost: rebound.example:%u\r\nConnection: close\r\n\r\n",
	         g->port);
	assert_true(says(http_ask(g->port, request), 403, "another site"));
	assert_int_equal(counted(g, TOLL_ADMIN_DENIED), 4);
}

static void with_an_authenticator_people_say_who_they_are(void **state)
{
	struct rig *g = *state;
	const char *good = "Authorization: Bearer good\r\nContent-Type: application/json\r\n";

	end(g);
	g->config.auth.authenticator = TOLL_SLICE("tokens");
	g->config.auth.present = true;
	begin(g);
	assert_true(says(put(g, "/v1/kill", "{\"on\":true}"), 401, "WWW-Authenticate: Bearer\r\n"));
	assert_true(says(get(g, "/v1/spend"), 401, "{\"error\":\"a token is required\"}"));
	assert_string_equal(g->asked, "");
	assert_true(
		says(ask(g, "PUT /v1/kill", good, "{\"on\":true,\"who\":\"bob\"}"), 200, "alice"));
	assert_string_equal(g->asked, "kill 1 alice|");
	assert_true(says(get(g, "/v1/throttle/a"), 200, "allowed")); /* meshes have no token */
}

static void it_stays_on_this_machine_unless_somebody_asks_who_it_is(void **state)
{
	static const char *const here[] = { "127.0.0.1:1", "localhost:1", "[::1]:1", "LOCALHOST:1",
		                            "127.8.9.1" };
	static const char *const there[] = {
		"0.0.0.0:1",           ":1",         "[::]:1", "127.0.0.1.example:1",
		"localhost.example:1", "10.0.0.1:1", ""
	};

	(void)state;
	for (size_t i = 0; i < TOLL_COUNT(here); i++)
		assert_true(toll_admin_is_local_host(toll_slice_str(here[i])));
	for (size_t i = 0; i < TOLL_COUNT(there); i++)
		assert_false(toll_admin_is_local_host(toll_slice_str(there[i])));
	assert_true(toll_admin_is_local_peer(TOLL_SLICE("[::ffff:127.0.0.1]:99")));
	assert_true(toll_admin_is_local_peer(TOLL_SLICE("unix")));
	assert_false(toll_admin_is_local_peer(TOLL_SLICE("10.1.2.3:99")));
	assert_false(toll_admin_is_local_peer(TOLL_SLICE("[::ffff:10.0.0.1]:99")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_throttled_service_is_told_when_to_come_again),
		TEST(any_dimension_may_be_asked_for),
		TEST(names_may_hold_anything),
		TEST(what_sheds_last_is_let_through),
		TEST(an_old_copy_lets_everybody_pass),
		TEST(a_proxy_may_send_on_the_request),
		TEST(spend_is_exact),
		TEST(the_stores_troubles_are_told),
		TEST(changes_reach_the_enforcer),
		TEST(wrong_bodies_get_a_sentence),
		TEST(methods_and_paths_are_checked),
		TEST(pages_of_other_sites_are_refused),
		TEST(with_an_authenticator_people_say_who_they_are),
		cmocka_unit_test(it_stays_on_this_machine_unless_somebody_asks_who_it_is),
	};

	return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
