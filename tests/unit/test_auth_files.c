/* SPDX-License-Identifier: Apache-2.0 */
/* The extensions that authenticate follow their files by timers of the main loop: their shutdown,
 * which comes on another thread in a reload, must leave the loop alone. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/schema.h"
#include "tests/support/component.h"
#include "tests/unit/unit.h"

extern const struct toll_factory toll_extension_basicauth, toll_extension_bearertokenauth;

static char path[] = "/tmp/spantoll-users-XXXXXX";
static struct component_rig rig;
static bool read_again;

static void watch_lines(void *ctx TOLL_UNUSED, const char *line)
{
	if (!strstr(line, "read again"))
		return;
	read_again = true;
	toll_host_stop(rig.host);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void *end(void *arg)
{
	struct toll_component *c = arg;

	c->ops->shutdown(c, 0);
	return NULL;
}

static void too_late(void *ctx TOLL_UNUSED)
{
	toll_host_stop(rig.host);
}

/* file: where the settings say which one. */
static void follow_and_end(const struct toll_factory *factory, size_t file)
{
	char *settings = calloc(1, factory->config_size);
	struct toll_timer *limit;
	pthread_t thread;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	write_file("a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n");
	*(struct toll_slice *)(void *)(settings + file) = toll_slice_str(path);
	rig = (struct component_rig){ .settings = settings };
	read_again = false;
	assert_int_equal(component_create(&rig, factory), 0);
	assert_int_equal(rig.component->ops->start(rig.component, &rig.error), 0);
	assert_int_equal(pthread_create(&thread, NULL, end, rig.component), 0);
	pthread_join(thread, NULL);
	write_file("bob:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n");
	toll_log_set_sink(watch_lines, NULL);
	limit = toll_host_timer(rig.host, PATIENCE_NS, 0, too_late, NULL);
	assert_int_equal(toll_host_run(rig.host, NULL, NULL), 0);
	toll_log_set_sink(NULL, NULL);
	assert_true(read_again); /* the timer is free's */
	toll_host_timer_stop(limit);
	component_release(&rig);
	free(settings);
	unlink(path);
	memcpy(strrchr(path, '-') + 1, "XXXXXX", 6);
}

static void basicauth(void **state TOLL_UNUSED)
{
	follow_and_end(&toll_extension_basicauth, 0);
}

static void bearertokenauth(void **state TOLL_UNUSED)
{
	const struct toll_field *f = toll_extension_bearertokenauth.fields;

	while (strcmp(f->name, "filename") != 0)
		f++;
	follow_and_end(&toll_extension_bearertokenauth, f->offset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basicauth),
		cmocka_unit_test(bearertokenauth),
	};

	return cmocka_run_group_tests_name("auth_files", tests, NULL, NULL);
}
