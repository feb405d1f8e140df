/* SPDX-License-Identifier: Apache-2.0 */
/* A path goes from one server of the process to the next, back when that one fails, and away with
 * the last. "Reserved" sockets are those that a library binds: a stand-in does it here. */
#include "net/unix_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char dir[] = "/tmp/toll-unix-XXXXXX", path[64];

static int open_dir(void **state TOLL_UNUSED)
{
	memcpy(strrchr(dir, '-') + 1, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/otlp", dir);
	return 0;
}

/* Nothing may be left in it. */
static int close_dir(void **state TOLL_UNUSED)
{
	return rmdir(dir);
}

static int new_connection(const char *at)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", at);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Does who connects to the path reach this socket? */
static bool leads_to(int listener)
{
	int fd = new_connection(path), got = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		close(fd);
	if (got >= 0)
		close(got);
	return got >= 0;
}

static int bind_by_hand(const char *at)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", at);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/* As gRPC's core does: binds where it is told, and is put in the place. */
static int publish(struct toll_unix_socket *s)
{
	struct toll_error why;
	int fd;

	assert_int_equal(toll_unix_reserve(path, "a::endpoint", s, &why), 0);
	fd = bind_by_hand(s->aside);
	assert_int_equal(toll_unix_publish(s, &why), 0);
	return fd;
}

static void end(struct toll_unix_socket *s, int fd)
{
	toll_unix_unlink(s);
	close(fd);
}

static void the_same_setting_shares_its_socket(void **state TOLL_UNUSED)
{
	struct toll_unix_socket one, two, other;
	struct toll_error why;
	int a, b, c, waiting;

	assert_int_equal(toll_unix_listen(path, "a::endpoint", &a, &one, &why), 0);
	assert_int_equal(toll_unix_listen(path, "b::endpoint", &c, &other, &why), TOLL_EFULL);
	assert_non_null(strstr(why.text, "b::endpoint: cannot listen on /tmp/toll-unix-"));
	assert_int_equal(toll_unix_listen(path, "a::endpoint", &b, &two, &why), 0);
	waiting = new_connection(path);
	end(&one, a);
	close(accept4(b, NULL, NULL, SOCK_CLOEXEC)); /* who waited for the first is not lost */
	assert_true(leads_to(b));
	close(waiting);
	end(&two, b);
}

static void a_server_that_binds_by_itself_hands_its_path_on(void **state TOLL_UNUSED)
{
	struct toll_unix_socket one, two, three;
	int a = publish(&one), b, c;

	assert_true(leads_to(a));
	b = publish(&two);
	assert_true(leads_to(b));
	end(&one, a);
	c = publish(&three);
	assert_true(leads_to(c));
	end(&two, b);
	assert_true(leads_to(c));
	end(&three, c);
	toll_unix_unlink(&three);
}

static void who_fails_gives_the_path_back(void **state TOLL_UNUSED)
{
	struct toll_unix_socket one, two, three;
	int a = publish(&one), b = publish(&two), c = publish(&three);

	end(&three, c);
	assert_true(leads_to(b));
	end(&two, b);
	assert_true(leads_to(a));
	end(&one, a);
}

static void what_is_not_ours_stays(void **state TOLL_UNUSED)
{
	struct toll_unix_socket mine, s;
	struct toll_error why;
	int a = bind_by_hand(path), fd;

	assert_int_equal(toll_unix_listen(path, "a::endpoint", &fd, &s, &why), TOLL_EFULL);
	assert_int_equal(toll_unix_reserve(path, "a::endpoint", &s, &why), TOLL_EFULL);
	assert_non_null(strstr(why.text, "another process or file is there"));
	toll_unix_unlink(&s);
	close(a); /* what a process that is gone left */
	a = publish(&mine);
	assert_true(leads_to(a));
	unlink(path);
	fd = bind_by_hand(path);
	end(&mine, a);
	assert_true(leads_to(fd)); /* somebody put his own there */
	close(fd);
	unlink(path);
}

static void a_path_that_is_too_long_is_told(void **state TOLL_UNUSED)
{
	struct toll_unix_socket s;
	struct toll_error why;
	char text[200];
	int fd;

	memset(text, 'x', sizeof(text));
	text[108] = '\0';
	assert_int_equal(toll_unix_listen(text, "a::endpoint", &fd, &s, &why), TOLL_ECONFIG);
	assert_non_null(strstr(why.text, "1 to 107 bytes"));
	text[104] = '\0';
	assert_int_equal(toll_unix_reserve(text, "a::endpoint", &s, &why), TOLL_ECONFIG);
	assert_non_null(strstr(why.text, "1 to 103 bytes"));
	assert_int_equal(toll_unix_reserve("", "a::endpoint", &s, &why), TOLL_ECONFIG);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, open_dir, close_dir)
	const struct CMUnitTest tests[] = {
		IN_DIR(the_same_setting_shares_its_socket),
		IN_DIR(a_server_that_binds_by_itself_hands_its_path_on),
		IN_DIR(who_fails_gives_the_path_back),
		IN_DIR(what_is_not_ours_stays),
		cmocka_unit_test(a_path_that_is_too_long_is_told),
	};

	return cmocka_run_group_tests_name("unix_socket", tests, NULL, NULL);
}
