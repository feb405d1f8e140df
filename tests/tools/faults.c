/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - loaded before the C library (LD_PRELOAD) into a daemon under test: counts calls, and
 * at the Nth fails it or ends the process as a crash would.
 *
 * TOLL_FAULTS names a file with one struct order, which both sides map: a test
 * (tests/env/faults.py) changes it while the daemon runs, and reads the counts after it has died.
 * Only calls of interest are looked at; all others pass. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The same in tests/env/faults.py. */
enum call { OPEN, READ, WRITE, SYNC, RENAME, UNLINK, ALLOCATE, TRUNCATE, CONNECT, SEND, MEMORY };
enum { KILL_BEFORE = -1, KILL_AFTER = -2 }; /* else an errno */

struct order {
	_Atomic uint32_t armed;
	uint32_t calls; /* 1 << enum call */
	int32_t act;
	uint32_t lasting; /* every call from the Nth on */
	uint64_t nth;     /* from 1 */
	_Atomic uint64_t seen, struck;
	char from[64]; /* of the object (program, library) that calls: how its file name begins; "":
	                  any */
	char path[256]; /* pattern of the file's whole name; "": any, also what has none */
};

enum { OBJECTS_MAX = 256, NOT_HERE = INT_MIN };

static struct {
	struct order *order; /* NULL: another program, or the start of this one */
	struct object {
		uintptr_t begin, end; /* of its code */
		char name[64];
	} objects[OBJECTS_MAX];
	unsigned object_count;
} faults;

static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

static void add_object(const char *path, uintptr_t begin, uintptr_t end)
{
	struct object *o = &faults.objects[faults.object_count];
	const char *slash = strrchr(path, '/');

	if (faults.object_count == OBJECTS_MAX)
		return;
	*o = (struct object){ .begin = begin, .end = end };
	snprintf(o->name, sizeof(o->name), "%s", slash ? slash + 1 : path);
	faults.object_count++;
}

static int each_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			add_object(*info->dlpi_name ? info->dlpi_name : "spantoll", begin,
			           begin + info->dlpi_phdr[i].p_memsz);
	}
	return 0;
}

/* What starts the daemon (setpriv) inherits the environment, and is left alone. */
__attribute__((constructor)) static void load(void)
{
	const char *path = getenv("TOLL_FAULTS");
	void *at = MAP_FAILED;
	int fd;

	if (!path || strcmp(program_invocation_short_name, "spantoll") != 0)
		return;
	dl_iterate_phdr(each_object, NULL);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		at = mmap(NULL, sizeof(struct order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	close(fd);
	faults.order = at;
}

static bool from_there(const struct order *o, const void *caller)
{
	for (unsigned i = 0; *o->from && i < faults.object_count; i++) {
		const struct object *at = &faults.objects[i];

		if ((uintptr_t)caller >= at->begin && (uintptr_t)caller < at->end)
			return strncmp(at->name, o->from, strlen(o->from)) == 0;
	}
	return !*o->from;
}

/* Of an open file, or of a name relative to a directory. */
static bool that_file(const struct order *o, int fd, const char *name)
{
	char link[64], path[PATH_MAX];
	size_t len = 0;
	ssize_t n;

	if (!*o->path)
		return true;
	if (!name || (*name != '/' && fd != AT_FDCWD)) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		len = n > 0 ? (size_t)n : 0;
	}
	if (name)
		snprintf(path + len, sizeof(path) - len, "%s%s", len ? "/" : "", name);
	else
		path[len] = '\0';
	return fnmatch(o->path, path, 0) == 0;
}

static bool wanted(struct order *o, enum call call, int fd, const char *name, const void *caller)
{
	bool yes;

	if (!o || inside || !atomic_load_explicit(&o->armed, memory_order_acquire) ||
	    !(o->calls >> call & 1))
		return false;
	inside = true; /* what looks must not be looked at */
	yes = from_there(o, caller) && that_file(o, fd, name);
	inside = false;
	return yes;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* What is to become of this call: NOT_HERE, an errno, KILL_AFTER. */
static int strike(enum call call, int fd, const char *name, const void *caller)
{
	int before = errno;
	bool mine = wanted(faults.order, call, fd, name, caller);
	struct order *o = faults.order;
	uint64_t n;

	errno = before;
	if (!mine)
		return NOT_HERE;
	n = atomic_fetch_add(&o->seen, 1) + 1;
	if (o->lasting ? n < o->nth : n != o->nth)
		return NOT_HERE;
	atomic_fetch_add(&o->struck, 1);
	if (o->act == KILL_BEFORE)
		die();
	return o->act;
}

/* One function that goes before the C library's of the same name. */
#define STAND_IN(call, type, failed, name, params, args, fd, path)             \
	type name params                                                       \
	{                                                                      \
		static type(*real) params;                                     \
		int act = strike(call, fd, path, __builtin_return_address(0)); \
		type result;                                                   \
                                                                               \
		if (!real)                                                     \
			real = (type(*) params)dlsym(RTLD_NEXT, #name);        \
		if (act > 0) {                                                 \
			errno = act;                                           \
			return failed;                                         \
		}                                                              \
		result = real args;                                            \
		if (act == KILL_AFTER)                                         \
			die();                                                 \
		return result;                                                 \
	}

#define BY_FILE(call, type, name, params, args) \
	STAND_IN(call, type, -1, name, params, args, fd, NULL)
#define BY_NAME(call, type, failed, name, params, args, at) \
	STAND_IN(call, type, failed, name, params, args, at, path)
#define FOR_MEMORY(name, params, args) STAND_IN(MEMORY, void *, NULL, name, params, args, -1, NULL)

BY_FILE(READ, ssize_t, read, (int fd, void *b, size_t n), (fd, b, n))
BY_FILE(READ, ssize_t, pread, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))
BY_FILE(READ, ssize_t, pread64, (int fd, void *b, size_t n, off64_t at), (fd, b, n, at))
BY_FILE(WRITE, ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
BY_FILE(WRITE, ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
BY_FILE(WRITE, ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
BY_FILE(WRITE, ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
BY_FILE(WRITE, ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at))
BY_FILE(WRITE, ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t at),
        (fd, v, n, at))
BY_FILE(SYNC, int, fdatasync, (int fd), (fd))
BY_FILE(SYNC, int, fsync, (int fd), (fd))
BY_FILE(ALLOCATE, int, fallocate, (int fd, int how, off_t at, off_t n), (fd, how, at, n))
BY_FILE(ALLOCATE, int, fallocate64, (int fd, int how, off64_t at, off64_t n), (fd, how, at, n))
BY_FILE(TRUNCATE, int, ftruncate, (int fd, off_t n), (fd, n))
BY_FILE(TRUNCATE, int, ftruncate64, (int fd, off64_t n), (fd, n))
BY_FILE(CONNECT, int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
BY_FILE(SEND, ssize_t, send, (int fd, const void *b, size_t n, int how), (fd, b, n, how))
BY_FILE(SEND, ssize_t, sendmsg, (int fd, const struct msghdr *m, int how), (fd, m, how))

BY_NAME(OPEN, FILE *, NULL, fopen, (const char *path, const char *how), (path, how), AT_FDCWD)
BY_NAME(OPEN, FILE *, NULL, fopen64, (const char *path, const char *how), (path, how), AT_FDCWD)
BY_NAME(UNLINK, int, -1, unlink, (const char *path), (path), AT_FDCWD)
BY_NAME(UNLINK, int, -1, unlinkat, (int fd, const char *path, int how), (fd, path, how), fd)
/* The name that a file gets. */
BY_NAME(RENAME, int, -1, rename, (const char *from, const char *path), (from, path), AT_FDCWD)
BY_NAME(RENAME, int, -1, renameat, (int at, const char *from, int fd, const char *path),
        (at, from, fd, path), fd)
BY_NAME(RENAME, int, -1, renameat2,
        (int at, const char *from, int fd, const char *path, unsigned how),
        (at, from, fd, path, how), fd)

FOR_MEMORY(malloc, (size_t n), (n))
FOR_MEMORY(calloc, (size_t n, size_t each), (n, each))
FOR_MEMORY(realloc, (void *p, size_t n), (p, n))
FOR_MEMORY(reallocarray, (void *p, size_t n, size_t each), (p, n, each))
FOR_MEMORY(aligned_alloc, (size_t align, size_t n), (align, n))
STAND_IN(MEMORY, char *, NULL, strdup, (const char *s), (s), -1, NULL)
STAND_IN(MEMORY, char *, NULL, strndup, (const char *s, size_t n), (s, n), -1, NULL)
STAND_IN(MEMORY, FILE *, NULL, open_memstream, (char **text, size_t *len), (text, len), -1, NULL)

/* A mode is only there for a file that is to be made. */
#define MODE_OF(flags)                                                                 \
	({                                                                             \
		va_list ap;                                                            \
		va_start(ap, flags);                                                   \
		mode_t m = (flags) & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0; \
		va_end(ap);                                                            \
		m;                                                                     \
	})

static int open_at(int dir, const char *path, int flags, mode_t mode, const void *caller)
{
	static int (*real)(int, const char *, int, ...);
	int act = strike(OPEN, dir, path, caller), fd;

	if (!real)
		real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
	if (act > 0) {
		errno = act;
		return -1;
	}
	fd = real(dir, path, flags, mode);
	if (act == KILL_AFTER)
		die();
	return fd;
}

int open(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE_OF(flags), __builtin_return_address(0));
}

int open64(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE_OF(flags), __builtin_return_address(0));
}

int openat(int dir, const char *path, int flags, ...)
{
	return open_at(dir, path, flags, MODE_OF(flags), __builtin_return_address(0));
}

int openat64(int dir, const char *path, int flags, ...)
{
	return open_at(dir, path, flags, MODE_OF(flags), __builtin_return_address(0));
}

static int print(char **ret, const char *format, va_list ap, const void *caller)
{
	static int (*real)(char **, const char *, va_list);

	if (!real)
		real = (int (*)(char **, const char *, va_list))dlsym(RTLD_NEXT, "vasprintf");
	if (strike(MEMORY, -1, NULL, caller) > 0) {
		errno = ENOMEM;
		return -1;
	}
	return real(ret, format, ap);
}

int __vasprintf_chk(char **ret, int flag, const char *format, va_list ap);
int __asprintf_chk(char **ret, int flag, const char *format, ...);

int __vasprintf_chk(char **ret, int flag, const char *format, va_list ap)
{
	(void)flag;
	return print(ret, format, ap, __builtin_return_address(0));
}

int __asprintf_chk(char **ret, int flag, const char *format, ...)
{
	va_list ap;
	int len;

	(void)flag;
	va_start(ap, format);
	len = print(ret, format, ap, __builtin_return_address(0));
	va_end(ap);
	return len;
}
