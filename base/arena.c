/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ONE_MALLOC_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_MALLOC_EACH 1
#endif
#endif
#ifndef ONE_MALLOC_EACH
#define ONE_MALLOC_EACH 0
#endif

#define CHUNK_MIN ((size_t)1024)
#define CHUNK_MAX ((size_t)1024 * 1024)

struct toll_arena_chunk {
	struct toll_arena_chunk *prev;
	size_t size;
	_Alignas(max_align_t) char bytes[];
};

void toll_arena_init(struct toll_arena *a, size_t limit)
{
	*a = (struct toll_arena){ .limit = limit };
}

void toll_arena_release(struct toll_arena *a)
{
	struct toll_arena_chunk *c = a->chunks;

	while (c) {
		struct toll_arena_chunk *prev = c->prev;

		free(c);
		c = prev;
	}
	toll_arena_init(a, a->limit);
}

static struct toll_arena_chunk *largest_chunk(struct toll_arena_chunk *c)
{
	struct toll_arena_chunk *best = c;

	for (; c; c = c->prev)
		if (c->size > best->size)
			best = c;
	return best;
}

void toll_arena_reset(struct toll_arena *a)
{
	struct toll_arena_chunk *keep = ONE_MALLOC_EACH ? NULL : largest_chunk(a->chunks);
	struct toll_arena_chunk *c = a->chunks;
	size_t limit = a->limit;

	while (c) {
		struct toll_arena_chunk *prev = c->prev;

		if (c != keep)
			free(c);
		c = prev;
	}
	toll_arena_init(a, limit);
	if (!keep)
		return;
	keep->prev = NULL;
	a->chunks = keep;
	a->held = keep->size;
	a->next = keep->bytes;
	a->end = keep->bytes + keep->size;
}

static int add_chunk(struct toll_arena *a, size_t size)
{
	struct toll_arena_chunk *c;

	if (a->held > a->limit || size > a->limit - a->held)
		return a->err = TOLL_ETOOBIG;
	c = malloc(sizeof(*c) + size);
	if (!c)
		return a->err = TOLL_ENOMEM;
	c->prev = a->chunks;
	c->size = size;
	a->chunks = c;
	a->held += size;
	a->next = c->bytes;
	a->end = c->bytes + size;
	return 0;
}

/* Twice the last chunk, within [CHUNK_MIN, CHUNK_MAX] and what the limit still allows. */
static size_t next_chunk_size(const struct toll_arena *a, size_t need)
{
	size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_MIN;
	size_t left = a->held < a->limit ? a->limit - a->held : 0;

	if (ONE_MALLOC_EACH)
		return need;
	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size > left)
		size = left;
	return size > need ? size : need;
}

int toll_arena_reserve(struct toll_arena *a, size_t size)
{
	if (ONE_MALLOC_EACH || size <= (size_t)(a->end - a->next))
		return 0;
	return add_chunk(a, size);
}

void *toll_arena_alloc(struct toll_arena *a, size_t size, size_t align)
{
	size_t pad = -(uintptr_t)a->next & (align - 1);
	char *p;

	if (toll_unlikely(ONE_MALLOC_EACH || !a->next || size > (size_t)(a->end - a->next) ||
	                  pad > (size_t)(a->end - a->next) - size)) {
		if (size > SIZE_MAX / 2 - align) {
			a->err = TOLL_ETOOBIG;
			return NULL;
		}
		if (add_chunk(a, next_chunk_size(a, size + align - 1)) < 0)
			return NULL;
		pad = -(uintptr_t)a->next & (align - 1);
	}
	p = a->next + pad;
	a->next = p + size;
	return p;
}

void *toll_arena_array(struct toll_arena *a, size_t size, size_t align, size_t count)
{
	size_t total;

	if (__builtin_mul_overflow(size, count, &total)) {
		a->err = TOLL_ETOOBIG;
		return NULL;
	}
	return toll_arena_alloc(a, total, align);
}

struct toll_slice toll_arena_dup(struct toll_arena *a, struct toll_slice s)
{
	char *p = toll_arena_alloc(a, s.len, 1);

	if (!p)
		return (struct toll_slice){ 0 };
	if (s.len)
		memcpy(p, s.ptr, s.len);
	return toll_slice(p, s.len);
}

char *toll_arena_strdup(struct toll_arena *a, struct toll_slice s)
{
	char *p = toll_arena_alloc(a, s.len + 1, 1);

	if (!p)
		return NULL;
	if (s.len)
		memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	return p;
}

struct toll_slice toll_arena_printf(struct toll_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : toll_arena_alloc(a, (size_t)n + 1, 1);
	if (!p)
		return (struct toll_slice){ 0 };
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return toll_slice(p, (size_t)n);
}
