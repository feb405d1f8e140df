/* SPDX-License-Identifier: Apache-2.0 */
/* The extension pricebook with real files: what it publishes, and what it keeps. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cost/pricebook.h"
#include "prices/settings.h"
#include "tests/support/component.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_extension_pricebook;

static char path[] = "/tmp/spantoll-prices-XXXXXX";
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; /* guards log_text */
static char log_text[8192];

static void keep_line(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len;

	pthread_mutex_lock(&log_lock);
	len = strlen(log_text);
	snprintf(log_text + len, sizeof(log_text) - len, "%s", line);
	pthread_mutex_unlock(&log_lock);
}

static bool log_has(const char *part)
{
	bool found;

	pthread_mutex_lock(&log_lock);
	found = strstr(log_text, part);
	pthread_mutex_unlock(&log_lock);
	return found;
}

static int make_file(void **state TOLL_UNUSED)
{
	int fd = mkstemp(path);

	toll_log_set_sink(keep_line, NULL);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state TOLL_UNUSED)
{
	toll_log_set_sink(NULL, NULL);
	return unlink(path);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

struct rig {
	struct component_rig c;
	struct toll_prices_settings settings;
	struct toll_slice file;
	struct toll_pricebook_source *source;
};

static void start(struct rig *r, uint64_t refresh_interval)
{
	*r = (struct rig){ .file = toll_slice_str(path) };
	log_text[0] = '\0';
	r->settings = (struct toll_prices_settings){ .files = { &r->file, 1 },
		                                     .ttl = 900 * TOLL_S,
		                                     .refresh_interval = refresh_interval };
	r->c.settings = &r->settings;
	assert_int_equal(component_create(&r->c, &toll_extension_pricebook), 0);
	assert_int_equal(r->c.component->ops->start(r->c.component, &r->c.error), 0);
	r->source = toll_host_find(r->c.host, "pricebook", "pricebook");
	assert_non_null(r->source);
}

/* How many prices are published; -1: no book. */
static int published(struct rig *r)
{
	struct toll_shared *s = toll_snapshot_get(&r->source->current);
	int n = s ? (int)toll_pricebook_count(toll_pricebook_of(s)) : -1;

	toll_shared_unref(s);
	return n;
}

static bool page_has(struct rig *r, const char *sample)
{
	struct toll_metrics_writer w = { 0 };
	bool found;

	toll_host_metrics_write(r->c.host, &w);
	found = w.text && strstr(w.text, sample);
	toll_metrics_release(&w);
	return found;
}

static void a_file_is_there_when_the_start_is_done(void **state TOLL_UNUSED)
{
	struct rig r;

	write_file("{\"a:b\": null, \"c:d\": null}");
	start(&r, 0);
	toll_host_set_started(r.c.host, true);
	assert_int_equal(published(&r), 2);
	assert_int_equal(r.source->ttl_ns, 0);
	assert_true(toll_host_ready(r.c.host));
	assert_true(page_has(&r, "spantoll_pricebook_entries{pricebook=\"pricebook\"} 2\n"));
	assert_true(log_has("prices are loaded entries=2 version="));
	component_release(&r.c);
}

static void a_broken_file_does_not_stop_the_start(void **state TOLL_UNUSED)
{
	struct rig r;

	write_file("{");
	start(&r, 10 * TOLL_MS);
	toll_host_set_started(r.c.host, true);
	assert_int_equal(published(&r), -1);
	assert_false(toll_host_ready(r.c.host));
	assert_true(log_has("no prices yet"));
	write_file("{\"a:b\": null}");
	EVENTUALLY(toll_host_ready(r.c.host));
	assert_int_equal(published(&r), 1);
	component_release(&r.c);
}

static void a_failed_refresh_keeps_the_old_book(void **state TOLL_UNUSED)
{
	struct rig r;

	write_file("{\"a:b\": null}");
	start(&r, 10 * TOLL_MS);
	write_file("{\"a:b\": {\"cost_per_ms\": -1}}");
	EVENTUALLY(log_has("keeps the old prices"));
	assert_false(page_has(&r, "{pricebook=\"pricebook\",reason=\"invalid\"} 0\n"));
	assert_int_equal(published(&r), 1);
	write_file("{\"a:b\": null, \"c:d\": null}");
	EVENTUALLY(published(&r) == 2);
	component_release(&r.c);
}

static void a_missing_file_is_counted(void **state TOLL_UNUSED)
{
	struct rig r;

	unlink(path);
	start(&r, 0);
	assert_true(page_has(&r, "{pricebook=\"pricebook\",reason=\"unreachable\"} 1\n"));
	assert_true(log_has("No such file"));
	component_release(&r.c);
	write_file("");
}

static void of_a_row_in_two_files_the_later_counts(void **state TOLL_UNUSED)
{
	struct toll_slice twice[2] = { toll_slice_str(path), toll_slice_str(path) };
	struct rig r = { .settings = { .files = { twice, 2 } } };

	write_file("{\"a:b\": null}");
	r.c.settings = &r.settings;
	log_text[0] = '\0';
	assert_int_equal(component_create(&r.c, &toll_extension_pricebook), 0);
	assert_int_equal(r.c.component->ops->start(r.c.component, &r.c.error), 0);
	assert_true(log_has("prices are loaded entries=1 "));
	component_release(&r.c);
}

static void shutdown_withdraws_and_may_come_twice(void **state TOLL_UNUSED)
{
	struct rig r;

	write_file("{\"a:b\": null}");
	start(&r, TOLL_S);
	r.c.component->ops->shutdown(r.c.component, 0);
	assert_null(toll_host_find(r.c.host, "pricebook", NULL));
	r.c.component->ops->shutdown(r.c.component, 0);
	component_release(&r.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_there_when_the_start_is_done),
		cmocka_unit_test(a_broken_file_does_not_stop_the_start),
		cmocka_unit_test(a_failed_refresh_keeps_the_old_book),
		cmocka_unit_test(a_missing_file_is_counted),
		cmocka_unit_test(of_a_row_in_two_files_the_later_counts),
		cmocka_unit_test(shutdown_withdraws_and_may_come_twice),
	};

	return cmocka_run_group_tests_name("pricebook_extension", tests, make_file, remove_file);
}
