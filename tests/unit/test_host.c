/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/host.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

struct seen {
	struct toll_host *host;
	struct toll_timer *timer;
	unsigned count;
	pthread_t thread;
};

static int set_up(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));

	s->host = toll_host_new();
	*state = s;
	return s->host ? 0 : -1;
}

static int tear_down(void **state)
{
	struct seen *s = *state;

	s->host = toll_host_free(s->host);
	free(s);
	return 0;
}

static void third_time_stops(void *ctx)
{
	struct seen *s = ctx;

	if (++s->count == 3)
		toll_host_stop(s->host);
}

static void timer_repeats_until_stopped(void **state)
{
	struct seen *s = *state;

	s->timer = toll_host_timer(s->host, TOLL_MS, TOLL_MS, third_time_stops, s);
	assert_non_null(s->timer);
	assert_int_equal(toll_host_run(s->host, NULL, NULL), 0);
	assert_int_equal(s->count, 3);
	toll_host_timer_stop(s->timer);
	toll_host_timer_stop(NULL);
}

static void note_thread(void *ctx)
{
	struct seen *s = ctx;

	s->thread = pthread_self();
	third_time_stops(s);
}

static void *call_from_outside(void *ctx)
{
	struct seen *s = ctx;

	for (int i = 0; i < 3; i++)
		if (toll_host_call(s->host, note_thread, s))
			abort();
	return NULL;
}

static void calls_run_on_the_main_thread(void **state)
{
	struct seen *s = *state;
	pthread_t other;

	assert_int_equal(pthread_create(&other, NULL, call_from_outside, s), 0);
	assert_int_equal(toll_host_run(s->host, NULL, NULL), 0);
	pthread_join(other, NULL);
	assert_int_equal(s->count, 3);
	assert_true(pthread_equal(s->thread, pthread_self()));
	assert_int_equal(toll_host_call(s->host, note_thread, s), TOLL_ESHUTDOWN);
}

static void count_hup(void *ctx)
{
	struct seen *s = ctx;

	s->count++;
	kill(getpid(), SIGTERM);
}

static void signals_reload_and_stop(void **state)
{
	struct seen *s = *state;

	assert_int_equal(toll_host_catch_signals(s->host), 0);
	kill(getpid(), SIGPIPE);
	kill(getpid(), SIGHUP);
	assert_int_equal(toll_host_run(s->host, count_hup, s), 0);
	assert_int_equal(s->count, 1);
	kill(getpid(), SIGTERM); /* while draining: not a second time */
	kill(getpid(), SIGHUP);
}

static void services_are_found_by_kind_and_id(void **state)
{
	struct seen *s = *state;
	int a, b, c;

	assert_null(toll_host_find(s->host, "pricebook", NULL));
	assert_int_equal(toll_host_publish(s->host, "pricebook", "pricebook/a", &a), 0);
	assert_int_equal(toll_host_publish(s->host, "pricebook", "pricebook/b", &b), 0);
	assert_int_equal(toll_host_publish(s->host, "spend", "enforcer", &c), 0);
	assert_ptr_equal(toll_host_find(s->host, "pricebook", NULL), &a);
	assert_ptr_equal(toll_host_find(s->host, "pricebook", "pricebook/b"), &b);
	assert_null(toll_host_find(s->host, "pricebook", "enforcer"));
	toll_host_withdraw(s->host, &a);
	assert_ptr_equal(toll_host_find(s->host, "pricebook", NULL), &b);
}

static void *withdraw_it(void *ctx)
{
	struct seen *s = ctx;

	toll_host_withdraw(s->host, &s->count);
	s->count = 1;
	return NULL;
}

static void what_is_held_is_not_withdrawn(void **state)
{
	struct seen *s = *state;
	void *found;

	assert_null(toll_host_hold(s->host, "flags", NULL));
	toll_host_drop(s->host, NULL);
	assert_int_equal(toll_host_publish(s->host, "flags", "a", &s->count), 0);
	found = toll_host_hold(s->host, "flags", NULL);
	assert_ptr_equal(found, &s->count);
	assert_int_equal(pthread_create(&s->thread, NULL, withdraw_it, s), 0);
	while (toll_host_find(s->host, "flags", "a")) /* leaving: nobody finds it any more */
		sched_yield();
	assert_null(toll_host_hold(s->host, "flags", "a"));
	assert_int_equal(s->count, 0);
	toll_host_drop(s->host, found);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	assert_int_equal(s->count, 1);
}

static void ready_once_every_gate_has_opened(void **state)
{
	struct seen *s = *state;
	char *text;

	assert_int_equal(toll_host_gate_add(s->host, "a price book"), 0);
	assert_false(toll_host_ready(s->host));
	toll_host_set_started(s->host, true);
	assert_false(toll_host_ready(s->host));
	text = toll_host_status_json(s->host);
	assert_non_null(strstr(text, "\"status\":\"starting\",\"ready\":false"));
	assert_non_null(strstr(text, "\"waiting_for\":[\"a price book\"]"));
	free(text);
	toll_host_gate_open(s->host, "a price book");
	assert_true(toll_host_ready(s->host));
	toll_host_stop(s->host);
	assert_false(toll_host_ready(s->host));
}

static void degraded_shows_but_does_not_unready(void **state)
{
	struct seen *s = *state;
	struct toll_component c = { .who = "exporter/kafka" };
	char *text;

	toll_host_set_started(s->host, true);
	toll_host_set_health(s->host, &c, TOLL_HEALTH_OK, NULL);
	toll_host_set_health(s->host, &c, TOLL_HEALTH_DEGRADED, "no \"broker\"\n");
	assert_true(toll_host_ready(s->host));
	text = toll_host_status_json(s->host);
	assert_non_null(strstr(text, "\"status\":\"degraded\",\"ready\":true"));
	assert_non_null(strstr(text, "\"component\":\"exporter/kafka\",\"status\":\"degraded\""));
	assert_non_null(strstr(text, "\"why\":\"no \\\"broker\\\"\\u000a\""));
	free(text);
}

/* Twice a reload fails, and the second component lies where the first one did. */
static void what_an_undone_start_said_is_forgotten(void **state)
{
	struct seen *s = *state;
	struct toll_component before = { .who = "receiver/otlp" };
	struct toll_component next = { .who = "receiver/otlp" };
	char *text;

	toll_host_set_health(s->host, &before, TOLL_HEALTH_OK, "listening");
	toll_host_speaks(s->host, &before);
	toll_host_set_started(s->host, true);
	toll_host_speaks(s->host, &next);
	toll_host_set_health(s->host, &next, TOLL_HEALTH_DEGRADED, "the port is taken");
	toll_host_speaks(s->host, &before);
	toll_host_speaks(s->host, &next);
	text = toll_host_status_json(s->host);
	assert_null(strstr(text, "the port is taken"));
	free(text);
}

static void write_own(struct toll_metrics_source *self TOLL_UNUSED, struct toll_metrics_writer *w)
{
	toll_metrics_family(w, "own", TOLL_METRIC_GAUGE, "x");
	toll_metrics_sample(w, NULL, 0, 7);
}

static void metrics_name_every_component(void **state)
{
	struct seen *s = *state;
	struct toll_metrics_writer w = { 0 };
	struct toll_metrics_source own = { .collect = write_own };
	struct toll_stats *grpc, *http;

	grpc = toll_host_stats_ref(s->host, TOLL_RECEIVER, "otlp", "receiver/otlp");
	http = toll_host_stats_ref(s->host, TOLL_RECEIVER, "otlp/b", "receiver/otlp/b");
	/* A second component of the id goes on counting where the first one is. */
	assert_ptr_equal(toll_host_stats_ref(s->host, TOLL_RECEIVER, "otlp", "receiver/otlp"),
	                 grpc);
	toll_host_metrics_add(s->host, &own);
	toll_stat_add(grpc, TOLL_STAT_RECEIVER_ACCEPTED_SPANS, 5);
	toll_stat_add(http, TOLL_STAT_RECEIVER_ACCEPTED_SPANS, 2);
	toll_host_metrics_write(s->host, &w);
	assert_false(w.failed);
	assert_non_null(strstr(w.text, "\notelcol_receiver_accepted_spans{receiver=\"otlp\"} 5\n"
	                               "otelcol_receiver_accepted_spans{receiver=\"otlp/b\"} 2\n"));
	assert_non_null(strstr(w.text, "\notelcol_receiver_refused_spans{receiver=\"otlp\"} 0\n"));
	assert_non_null(strstr(w.text, "\notel_collector_received_spans 7\n"));
	assert_non_null(strstr(w.text, "# TYPE otelcol_process_uptime counter\n"));
	assert_non_null(strstr(w.text, "\nown 7\n"));
	assert_null(strstr(w.text, "otelcol_exporter"));
	toll_metrics_release(&w);
	toll_host_stats_unref(s->host, grpc);
	assert_int_equal(toll_stat_get(grpc, TOLL_STAT_RECEIVER_ACCEPTED_SPANS), 5);
	toll_host_stats_unref(s->host, grpc);
	toll_host_stats_unref(s->host, http);
	toll_host_metrics_remove(s->host, &own);
	toll_host_metrics_write(s->host, &w);
	assert_null(strstr(w.text, "own"));
	assert_null(strstr(w.text, "receiver="));
	toll_metrics_release(&w);
}

static void budget_and_instance_are_sensible(void **state)
{
	struct seen *s = *state;
	struct toll_host *other = toll_host_new();
	size_t limit = atomic_load(&toll_host_memory(s->host)->limit);

	assert_in_range(limit, 1 << 20, 512 << 20);
	assert_int_equal(strlen(toll_host_instance(s->host)), 32);
	assert_string_not_equal(toll_host_instance(s->host), toll_host_instance(other));
	toll_host_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timer_repeats_until_stopped),
		TEST(calls_run_on_the_main_thread),
		TEST(signals_reload_and_stop),
		TEST(services_are_found_by_kind_and_id),
		TEST(what_is_held_is_not_withdrawn),
		TEST(ready_once_every_gate_has_opened),
		TEST(degraded_shows_but_does_not_unready),
		TEST(what_an_undone_start_said_is_forgotten),
		TEST(metrics_name_every_component),
		TEST(budget_and_instance_are_sensible),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
