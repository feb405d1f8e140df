/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever writes to a descriptor learns what has not got there. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/macro.h"
#include "tests/unit/unit.h"

static void everything_is_written(void **state TOLL_UNUSED)
{
	struct toll_slice rest = TOLL_SLICE("spans");
	char got[16];
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(toll_write_all(ends[1], &rest), 0);
	assert_int_equal(rest.len, 0);
	assert_int_equal(toll_write_all(ends[1], &rest), 0);
	assert_int_equal(read(ends[0], got, sizeof(got)), 5);
	assert_memory_equal(got, "spans", 5);
	close(ends[0]);
	close(ends[1]);
}

/* More than the pipe takes: what is in it and what is left make the whole. */
static void what_failed_is_left(void **state TOLL_UNUSED)
{
	static char bytes[1 << 20];
	struct toll_slice rest = toll_slice(bytes, sizeof(bytes));
	size_t written = 0;
	static char got[4096];
	ssize_t n;
	int ends[2];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(toll_write_all(ends[1], &rest), EAGAIN);
	assert_true(rest.len > 0 && rest.len < sizeof(bytes));
	assert_ptr_equal(rest.ptr + rest.len, bytes + sizeof(bytes));
	while ((n = read(ends[0], got, sizeof(got))) > 0) {
		assert_memory_equal(got, bytes + written, (size_t)n);
		written += (size_t)n;
	}
	assert_int_equal(written + rest.len, sizeof(bytes));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(toll_write_all(-1, &rest), EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_written),
		cmocka_unit_test(what_failed_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
