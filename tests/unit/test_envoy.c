/* SPDX-License-Identifier: Apache-2.0 */
/* The extension over gRPC, on flags that the test publishes; with the real Envoy:
 * tests/integration/test_envoy_*.py. */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "extensions/envoy/envoy.h"
#include "net/grpc_client.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "proto/wire.h"
#include "tests/unit/unit.h"

#define BYTES(field) TOLL_TAG(field, TOLL_WIRE_BYTES)
#define RATE_LIMIT   "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
#define CHECK        "/envoy.service.auth.v3.Authorization/Check"

extern const struct toll_factory toll_extension_envoy;

struct rig {
	struct toll_host *host;
	struct toll_component *component;
	struct toll_envoy_config config;
	struct toll_flag_source flags;
	struct toll_grpc_client *client;
	/* The last answer. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool answered;
	int status;
	char response[8192];
	size_t len;
};

/* ---- asking ---- */

static void done(void *ctx, const struct toll_grpc_reply *r)
{
	struct rig *g = ctx;

	pthread_mutex_lock(&g->lock);
	g->status = r->status;
	g->len = r->response.len;
	assert_true(g->len <= sizeof(g->response));
	if (g->len)
		memcpy(g->response, r->response.ptr, g->len);
	g->answered = true;
	pthread_cond_signal(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static struct toll_slice call(struct rig *g, const char *method, struct toll_slice request)
{
	g->answered = false;
	assert_int_equal(toll_grpc_client_start(g->client, method, request, PATIENCE_NS, done, g),
	                 0);
	pthread_mutex_lock(&g->lock);
	while (!g->answered)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
	return toll_slice(g->response, g->len);
}

static bool holds(struct toll_slice s, const char *text)
{
	return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

static size_t entry(char *out, unsigned field, const char *key, const char *value)
{
	char inner[256], *end = toll_write_bytes(inner, BYTES(1), toll_slice_str(key));

	end = toll_write_bytes(end, BYTES(2), toll_slice_str(value));
	return (size_t)(toll_write_bytes(out, BYTES(field),
	                                 toll_slice(inner, (size_t)(end - inner))) -
	                out);
}

/* One descriptor for each NULL-terminated value of service. */
static struct toll_slice limit(struct rig *g, const char *domain, const char *const *services)
{
	char message[2048], descriptor[512];
	char *end = toll_write_bytes(message, BYTES(1), toll_slice_str(domain));

	for (; *services; services++)
		end = toll_write_bytes(
			end, BYTES(2),
			toll_slice(descriptor, entry(descriptor, 1, "service", *services)));
	return call(g, RATE_LIMIT, toll_slice(message, (size_t)(end - message)));
}

static struct toll_slice check(struct rig *g, const char *dimension, const char *value)
{
	char attributes[512], message[600];
	size_t len = entry(attributes, 10, dimension, value);
	char *end = toll_write_bytes(message, BYTES(1), toll_slice(attributes, len));

	return call(g, CHECK, toll_slice(message, (size_t)(end - message)));
}

/* ---- the flags ---- */

static void throttle(struct rig *g, const char *subject, uint32_t retry_after_s)
{
	struct toll_flag f = { .subject = toll_slice_str(subject),
		               .throttled = true,
		               .until_ms = toll_clock_wall_ms() + 3600 * 1000,
		               .retry_after_s = retry_after_s };

	assert_int_equal(toll_flags_publish(&g->flags, &f, 1), 0);
	toll_flags_heard(&g->flags, toll_clock_mono_ns());
}

static uint64_t counted(const struct rig *g, enum toll_envoy_method m, enum toll_envoy_outcome o)
{
	const struct toll_envoy *e =
		toll_container_of(g->component, struct toll_envoy, super.super);

	return atomic_load(&e->counts->by[m][o]);
}

/* ---- life ---- */

static void start(struct rig *g)
{
	const struct toll_settings set = { .id = { "envoy", "", "envoy" },
		                           .who = "extension/envoy",
		                           .host = g->host };
	struct toll_grpc_client_settings client = { .wait_for_ready = true };
	struct toll_error error;

	assert_int_equal(toll_extension_envoy.create(&set, &g->config, &g->component, &error), 0);
	assert_int_equal(g->component->ops->start(g->component, &error), 0);
	client.target = toll_grpc_server_address(
		toll_container_of(g->component, struct toll_envoy, super.super)->server);
	assert_int_equal(toll_grpc_client_new(&client, &g->client, &error), 0);
}

static int setup(void **state)
{
	static const struct toll_pair headers[] = { { TOLL_SLICE("tenant"),
		                                      TOLL_SLICE("x-tenant-id") } };
	struct rig *g = calloc(1, sizeof(*g));

	g->host = toll_host_new();
	g->config = (struct toll_envoy_config){ .endpoint = TOLL_SLICE("127.0.0.1:0"),
		                                .domain = TOLL_SLICE("spantoll"),
		                                .max_age = 3600 * TOLL_S,
		                                .status = 429,
		                                .workers = 1,
		                                .headers = { headers, 1 } };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	toll_flag_source_init(&g->flags);
	assert_int_equal(toll_host_publish(g->host, "flags", "enforcer", &g->flags), 0);
	start(g);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	struct rig *g = *state;

	toll_grpc_client_free(g->client);
	g->component->ops->shutdown(g->component, toll_clock_mono_ns() + PATIENCE_NS);
	g->component->ops->free(g->component);
	toll_host_withdraw(g->host, &g->flags);
	toll_flag_source_release(&g->flags);
	toll_host_free(g->host);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
	return 0;
}

/* ---- promises ---- */

static void a_throttled_service_is_over_its_limit(void **state)
{
	static const char *const both[] = { "cart", "payment", NULL };
	struct rig *g = *state;
	struct toll_slice r;

	throttle(g, "payment", 60);
	r = limit(g, "spantoll", both);
	assert_int_equal(g->status, 0);
	assert_memory_equal(r.ptr, "\x08\x02\x12\x02\x08\x01\x12\x06\x08\x02\x22\x02\x08\x3c", 14);
	assert_true(holds(r, "retry-after\x12\x02"
	                     "60") &&
	            holds(r, "\"subject\":\"payment\""));
	r = limit(g, "spantoll", (const char *const[]){ "cart", NULL });
	assert_int_equal(r.len, 6);
	assert_memory_equal(r.ptr, "\x08\x01\x12\x02\x08\x01", 6);
	assert_int_equal(counted(g, TOLL_ENVOY_SHOULD_RATE_LIMIT, TOLL_ENVOY_DENIED), 1);
	assert_int_equal(counted(g, TOLL_ENVOY_SHOULD_RATE_LIMIT, TOLL_ENVOY_ALLOWED), 1);
}

static void of_several_the_longest_patience_is_told(void **state)
{
	const struct toll_flag flags[] = {
		{ .subject = TOLL_SLICE("cart"),
		  .throttled = true,
		  .until_ms = toll_clock_wall_ms() + 3600 * 1000,
		  .retry_after_s = 70 },
		{ .subject = TOLL_SLICE("payment"),
		  .throttled = true,
		  .until_ms = toll_clock_wall_ms() + 3600 * 1000,
		  .retry_after_s = 80 },
	};
	struct rig *g = *state;

	assert_int_equal(toll_flags_publish(&g->flags, flags, 2), 0);
	toll_flags_heard(&g->flags, toll_clock_mono_ns());
	for (int i = 0; i < 2; i++) {
		const char *const both[] = { i ? "payment" : "cart", i ? "cart" : "payment", NULL };
		struct toll_slice r = limit(g, "spantoll", both);

		assert_true(holds(r, "retry-after\x12\x02"
		                     "80"));
		assert_true(holds(r, "\"subject\":\"payment\""));
	}
}

static void a_rate_limit_of_another_domain_always_passes(void **state)
{
	struct rig *g = *state;
	struct toll_slice r;

	throttle(g, "payment", 60);
	r = limit(g, "other", (const char *const[]){ "payment", NULL });
	assert_memory_equal(r.ptr, "\x08\x01\x12\x02\x08\x01", 6);
	assert_int_equal(counted(g, TOLL_ENVOY_SHOULD_RATE_LIMIT, TOLL_ENVOY_OTHER_DOMAIN), 1);
}

static void a_request_of_a_throttled_tenant_is_denied(void **state)
{
	struct rig *g = *state;
	struct toll_slice r;

	throttle(g, "tenant:acme", 7);
	r = check(g, "tenant", "acme");
	assert_int_equal(g->status, 0);
	assert_memory_equal(r.ptr, "\x0a\x02\x08\x08\x12", 5);
	assert_true(holds(r, "\x0a\x03\x08\xad\x03") && holds(r, "retry-after\x12\x01"
	                                                         "7"));
	r = check(g, "tenant", "other");
	assert_int_equal(r.len, 2);
	assert_memory_equal(r.ptr, "\x0a\x00", 2);
	assert_int_equal(counted(g, TOLL_ENVOY_CHECK, TOLL_ENVOY_DENIED), 1);
}

static void who_is_not_named_passes(void **state)
{
	struct rig *g = *state;

	throttle(g, "payment", 60);
	assert_memory_equal(check(g, "service", "").ptr, "\x0a\x00", 2);
	assert_memory_equal(limit(g, "spantoll", (const char *const[]){ NULL }).ptr, "\x08\x01", 2);
	assert_int_equal(counted(g, TOLL_ENVOY_CHECK, TOLL_ENVOY_UNNAMED), 1);
	assert_int_equal(counted(g, TOLL_ENVOY_SHOULD_RATE_LIMIT, TOLL_ENVOY_UNNAMED), 1);
}

/* Published, but the store was never heard. */
static void flags_that_are_too_old_throttle_nobody(void **state)
{
	const struct toll_flag f = { .subject = TOLL_SLICE("payment"),
		                     .throttled = true,
		                     .until_ms = toll_clock_wall_ms() + 3600 * 1000 };
	struct rig *g = *state;

	assert_int_equal(toll_flags_publish(&g->flags, &f, 1), 0);
	assert_memory_equal(check(g, "service", "payment").ptr, "\x0a\x00", 2);
	assert_int_equal(counted(g, TOLL_ENVOY_CHECK, TOLL_ENVOY_STALE), 1);
	toll_flags_heard(&g->flags, toll_clock_mono_ns());
	assert_true(holds(check(g, "service", "payment"), "payment"));
}

static void without_an_enforcer_everybody_passes(void **state)
{
	struct rig *g = *state;

	throttle(g, "payment", 60);
	toll_host_withdraw(g->host, &g->flags);
	assert_memory_equal(check(g, "service", "payment").ptr, "\x0a\x00", 2);
	assert_int_equal(counted(g, TOLL_ENVOY_CHECK, TOLL_ENVOY_STALE), 1);
	assert_int_equal(toll_host_publish(g->host, "flags", "enforcer", &g->flags), 0);
	assert_true(holds(check(g, "service", "payment"), "payment"));
}

static void what_cannot_be_read_is_invalid(void **state)
{
	char many[2 * (TOLL_ENVOY_DESCRIPTORS_MAX + 1)];
	struct rig *g = *state;

	call(g, CHECK, TOLL_SLICE("\x0a\xff"));
	assert_int_equal(g->status, 3);
	call(g, RATE_LIMIT, TOLL_SLICE("\x0a\xff"));
	assert_int_equal(g->status, 3);
	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = (char)(i % 2 ? 0 : BYTES(2));
	call(g, RATE_LIMIT, toll_slice(many, sizeof(many)));
	assert_int_equal(g->status, 3);
	assert_int_equal(counted(g, TOLL_ENVOY_CHECK, TOLL_ENVOY_INVALID), 1);
	assert_int_equal(counted(g, TOLL_ENVOY_SHOULD_RATE_LIMIT, TOLL_ENVOY_INVALID), 2);
}

static void a_share_of_the_requests_passes(void **state)
{
	struct rig *g = *state;
	struct toll_flag f = { .subject = TOLL_SLICE("payment"),
		               .throttled = true,
		               .allowed = 0.625, /* of medium: half */
		               .until_ms = toll_clock_wall_ms() + 3600 * 1000,
		               .retry_after_s = 5 };
	unsigned passed = 0;

	assert_int_equal(toll_flags_publish(&g->flags, &f, 1), 0);
	toll_flags_heard(&g->flags, toll_clock_mono_ns());
	for (int i = 0; i < 400; i++)
		passed += check(g, "service", "payment").len == 2;
	assert_in_range(passed, 120, 280); /* 8 standard deviations */
	assert_int_equal(counted(g, TOLL_ENVOY_CHECK, TOLL_ENVOY_ALLOWED), passed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_throttled_service_is_over_its_limit),
		TEST(of_several_the_longest_patience_is_told),
		TEST(a_rate_limit_of_another_domain_always_passes),
		TEST(a_request_of_a_throttled_tenant_is_denied),
		TEST(who_is_not_named_passes),
		TEST(flags_that_are_too_old_throttle_nobody),
		TEST(without_an_enforcer_everybody_passes),
		TEST(what_cannot_be_read_is_invalid),
		TEST(a_share_of_the_requests_passes),
	};

	return cmocka_run_group_tests_name("envoy", tests, NULL, NULL);
}
