/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/log.h"
#include "config/config.h"
#include "pipeline/factory.h"
#include "pipeline/host.h"
#include "tests/support/http.h"

extern const struct toll_factory toll_extension_telemetry;

struct fixture {
	struct toll_host *host;
	struct toll_config_telemetry config;
	struct toll_metrics_source source;
};

static void drop(void *ctx TOLL_UNUSED, const char *line TOLL_UNUSED)
{
}

static void collect(struct toll_metrics_source *self TOLL_UNUSED, struct toll_metrics_writer *w)
{
	struct toll_label label = { "service", TOLL_SLICE("a\"b\\c\nd") };

	toll_metrics_family(w, "tolls", TOLL_METRIC_COUNTER, "Tolls taken.");
	toll_metrics_sample(w, &label, 1, 42);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	toll_log_set_sink(drop, NULL);
	f->host = toll_host_new();
	assert_non_null(f->host);
	f->source.collect = collect;
	toll_host_metrics_add(f->host, &f->source);
	f->config = (struct toll_config_telemetry){ .metrics_enabled = true,
		                                    .metrics_host = TOLL_SLICE("localhost"),
		                                    .metrics_port = http_free_port(),
		                                    .without_type_suffix = true };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	toll_host_metrics_remove(f->host, &f->source);
	toll_host_free(f->host);
	free(f);
	return 0;
}

static struct toll_component *create(struct fixture *f)
{
	struct toll_settings set = { .id = { "telemetry", "", "telemetry" },
		                     .who = "extension/telemetry",
		                     .host = f->host };
	struct toll_component *c = NULL;

	assert_int_equal(toll_extension_telemetry.create(&set, &f->config, &c, NULL), 0);
	return c;
}

static const char *scrape(struct fixture *f)
{
	struct toll_component *c = create(f);
	const char *text;

	assert_int_equal(c->ops->start(c, NULL), 0);
	text = http_ask((uint16_t)f->config.metrics_port, "GET /metrics" HTTP_END);
	c->ops->shutdown(c, 0);
	c->ops->shutdown(c, 0);
	c->ops->free(c);
	return text;
}

static void metrics_are_prometheus_text(void **state)
{
	const char *a = scrape(*state);

	assert_non_null(strstr(a, "HTTP/1.1 200"));
	assert_non_null(strstr(a, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(a, "# TYPE tolls counter\n"));
	assert_non_null(strstr(a, "\ntolls{service=\"a\\\"b\\\\c\\nd\"} 42\n"));
}

static void the_suffix_is_a_choice(void **state)
{
	struct fixture *f = *state;

	f->config.without_type_suffix = false;
	assert_non_null(strstr(scrape(f), "\ntolls_total{"));
}

static void a_busy_port_names_the_setting(void **state)
{
	struct fixture *f = *state;
	struct toll_component *c = create(f);
	struct toll_error why = { 0 };
	int other = http_occupy((uint16_t)f->config.metrics_port);

	assert_int_equal(c->ops->start(c, &why), TOLL_EFULL);
	assert_non_null(strstr(why.text, "service::telemetry::metrics"));
	assert_non_null(strstr(why.text, "localhost:"));
	c->ops->free(c);
	close(other);
}

static void disabled_means_no_port(void **state)
{
	struct fixture *f = *state;
	struct toll_component *c = create(f);
	struct toll_endpoint e = { .host = "127.0.0.1", .port = (uint16_t)f->config.metrics_port };
	uint16_t port;
	int fd;

	f->config.metrics_enabled = false;
	assert_int_equal(c->ops->start(c, NULL), 0);
	assert_int_equal(toll_endpoint_listen(&e, "test", &fd, &port, NULL), 0);
	close(fd);
	c->ops->free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metrics_are_prometheus_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_suffix_is_a_choice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_busy_port_names_the_setting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(disabled_means_no_port, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("telemetry", tests, NULL, NULL);
}
