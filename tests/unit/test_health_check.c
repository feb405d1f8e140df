/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "tests/support/http.h"

extern const struct toll_factory toll_extension_health_check;

/* As the factory's field table lays it out. */
struct config {
	struct toll_slice endpoint, path;
};

struct fixture {
	struct toll_host *host;
	struct toll_component *health;
	struct config config;
	char endpoint[32];
	uint16_t port;
};

static void drop(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static struct toll_component *create(struct fixture *f)
{
	struct toll_settings set = { .id = { "health_check", "", "health_check" },
		                     .who = "extension/health_check",
		                     .host = f->host };
	struct toll_component *c = NULL;

	assert_int_equal(toll_extension_health_check.create(&set, &f->config, &c, NULL), 0);
	return c;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	toll_log_set_sink(drop, NULL);
	f->host = toll_host_new();
	assert_non_null(f->host);
	f->port = http_free_port();
	snprintf(f->endpoint, sizeof(f->endpoint), "127.0.0.1:%u", f->port);
	f->config = (struct config){ toll_slice_str(f->endpoint), TOLL_SLICE("/") };
	f->health = create(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->health->ops->shutdown(f->health, 0);
	f->health->ops->free(f->health);
	toll_host_free(f->host);
	free(f);
	return 0;
}

static void readiness_is_the_hosts(void **state)
{
	struct fixture *f = *state;
	const char *a;

	assert_int_equal(toll_host_gate_add(f->host, "pricebook"), 0);
	assert_int_equal(f->health->ops->start(f->health, NULL), 0);
	assert_non_null(strstr(http_ask(f->port, "GET /" HTTP_END), "HTTP/1.1 503"));
	toll_host_set_started(f->host, true);
	assert_non_null(strstr(http_ask(f->port, "GET /" HTTP_END), "HTTP/1.1 503"));
	toll_host_gate_open(f->host, "pricebook");
	a = http_ask(f->port, "GET /" HTTP_END);
	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_non_null(strstr(a, "application/json"));
	assert_non_null(strstr(a, "{\"status\":\"Server available\",\"upSince\":\"2"));
	assert_non_null(strstr(a, "\"uptime\":\"0."));
	toll_host_set_started(f->host, false);
	assert_non_null(strstr(http_ask(f->port, "GET /" HTTP_END), "HTTP/1.1 503"));
}

static void who_answers_is_alive_ready_or_not(void **state)
{
	struct fixture *f = *state;
	const char *a;

	assert_int_equal(toll_host_gate_add(f->host, "pricebook"), 0);
	assert_int_equal(f->health->ops->start(f->health, NULL), 0);
	a = http_ask(f->port, "GET /livez" HTTP_END);
	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_non_null(strstr(a, "{\"status\":\"alive\"}"));
	assert_non_null(strstr(http_ask(f->port, "GET /" HTTP_END), "HTTP/1.1 503"));
}

static void a_readiness_path_of_that_name_comes_first(void **state)
{
	struct fixture *f = *state;

	f->config.path = TOLL_SLICE("/livez");
	f->health->ops->free(f->health);
	f->health = create(f);
	assert_int_equal(f->health->ops->start(f->health, NULL), 0);
	assert_non_null(strstr(http_ask(f->port, "GET /livez" HTTP_END), "HTTP/1.1 503"));
}

static void status_is_json_of_the_host(void **state)
{
	struct fixture *f = *state;
	const char *a;
	char *json;

	toll_host_set_started(f->host, true);
	assert_int_equal(f->health->ops->start(f->health, NULL), 0);
	json = toll_host_status_json(f->host);
	assert_non_null(json);
	a = http_ask(f->port, "GET /status" HTTP_END);
	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_int_equal(strstr(a, "\r\n\r\n")[4], json[0]);
	free(json);
}

static void a_busy_port_names_the_setting(void **state)
{
	struct fixture *f = *state;
	struct toll_error why = { 0 };
	int other = http_occupy(f->port);

	assert_int_equal(f->health->ops->start(f->health, &why), TOLL_EFULL);
	assert_non_null(strstr(why.text, "extensions::health_check::endpoint"));
	assert_non_null(strstr(why.text, f->endpoint));
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(readiness_is_the_hosts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_answers_is_alive_ready_or_not, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_readiness_path_of_that_name_comes_first, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(status_is_json_of_the_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_busy_port_names_the_setting, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("health_check", tests, NULL, NULL);
}
