/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/watch.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/uri.h"
#include "pipeline/host.h"
#include "tests/unit/unit.h"

struct rig {
	char dir[32], path[64], other[64];
	const char *files[1];
	struct toll_config config; /* was read from path */
	struct toll_host *host;
	struct toll_config_watch *watch;
	struct toll_timer *limit, *later;
	unsigned changes;
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void changed(void *ctx)
{
	struct rig *g = ctx;

	g->changes++;
	toll_host_stop(g->host);
}

static void too_late(void *ctx)
{
	struct rig *g = ctx;

	toll_host_stop(g->host);
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	snprintf(g->dir, sizeof(g->dir), "/tmp/test_watch.XXXXXX");
	assert_non_null(mkdtemp(g->dir));
	snprintf(g->path, sizeof(g->path), "%s/config.yaml", g->dir);
	snprintf(g->other, sizeof(g->other), "%s/config-1.yaml", g->dir);
	g->files[0] = g->path;
	g->config.files_read = g->files;
	g->config.files_read_count = 1;
	g->host = toll_host_new();
	g->watch = toll_config_watch_new(g->host, changed, g);
	g->limit = toll_host_timer(g->host, PATIENCE_NS, 0, too_late, g);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	toll_config_watch_free(g->watch);
	toll_host_timer_stop(g->limit);
	toll_host_timer_stop(g->later);
	toll_host_free(g->host);
	unlink(g->path);
	unlink(g->other);
	rmdir(g->dir);
	free(g);
	return 0;
}

static void write_path(void *ctx)
{
	struct rig *g = ctx;

	write_file(g->path, "b");
}

/* As if the configuration had just been read. */
static void read_config(struct rig *g)
{
	g->config.files_said = toll_uri_files_hash(g->files, 1);
}

static void follow(struct rig *g)
{
	read_config(g);
	toll_config_watch_follow(g->watch, &g->config);
}

static void run(struct rig *g)
{
	assert_int_equal(toll_host_run(g->host, NULL, NULL), 0);
}

static void a_file_that_changes_is_told(void **state)
{
	struct rig *g = *state;

	write_file(g->path, "a");
	follow(g);
	g->later = toll_host_timer(g->host, 10 * TOLL_MS, 0, write_path, g);
	run(g);
	assert_int_equal(g->changes, 1);
}

static void a_file_behind_a_link_may_have_another_name(void **state)
{
	struct rig *g = *state;

	write_file(g->other, "a");
	assert_int_equal(symlink("config-1.yaml", g->path), 0);
	follow(g);
	g->later = toll_host_timer(g->host, 10 * TOLL_MS, 0, write_path, g);
	run(g);
	assert_int_equal(g->changes, 1);
}

/* A reload takes its time; its own events are not looked at before its end. */
static void what_changes_while_the_file_is_taken_over_is_told(void **state)
{
	struct rig *g = *state;

	write_file(g->path, "a");
	follow(g);
	toll_config_watch_note(g->watch);
	read_config(g);
	write_file(g->path, "b");
	toll_config_watch_follow(g->watch, &g->config);
	run(g);
	assert_int_equal(g->changes, 1);
}

static void what_changes_while_the_daemon_starts_is_told(void **state)
{
	struct rig *g = *state;

	write_file(g->path, "a");
	read_config(g);
	write_file(g->path, "b");
	toll_config_watch_follow(g->watch, &g->config);
	run(g);
	assert_int_equal(g->changes, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_changes_is_told),
		TEST(a_file_behind_a_link_may_have_another_name),
		TEST(what_changes_while_the_file_is_taken_over_is_told),
		TEST(what_changes_while_the_daemon_starts_is_told),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
