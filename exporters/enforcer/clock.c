/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mapping itself: there is nothing else to keep. */
struct toll_test_clock {
	_Atomic uint64_t ms; /* as this machine has it: proto/wire.c asserts little endian */
};

static int map(int fd, struct toll_test_clock **ret)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st) < 0)
		return TOLL_EINVALID;
	if ((size_t)st.st_size < sizeof(**ret)) {
		errno = ENODATA;
		return TOLL_EINVALID;
	}
	at = mmap(NULL, sizeof(**ret), PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return TOLL_EINVALID;
	*ret = at;
	return 0;
}

int toll_test_clock_open(struct toll_slice path, struct toll_test_clock **ret,
                         struct toll_error *reterr)
{
	int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? TOLL_EINVALID : map(fd, ret);
	int why = errno;

	if (fd >= 0)
		close(fd);
	return err ? toll_fail(reterr, TOLL_ECONFIG, "%.*s cannot be a clock of 8 bytes: %s",
	                       TOLL_FMT(path), strerror(why))
	           : 0;
}

struct toll_test_clock *toll_test_clock_close(struct toll_test_clock *c)
{
	if (c)
		munmap(c, sizeof(*c));
	return NULL;
}

uint64_t toll_test_clock_ms(const struct toll_test_clock *c)
{
	return atomic_load_explicit(&c->ms, memory_order_acquire);
}
