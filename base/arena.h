/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - bump allocation with one lifetime: freed together, never one by one.
 *
 * One thread at a time. In AddressSanitizer builds every allocation is its own malloc, so that an
 * overrun inside a chunk is seen. */
#ifndef TOLL_BASE_ARENA_H
#define TOLL_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/slice.h"

struct toll_arena_chunk;

struct toll_arena {
	char *next;
	char *end;
	struct toll_arena_chunk *chunks;
	size_t held;  /* bytes obtained from malloc */
	size_t limit; /* held never exceeds this */
	int err;      /* why the last allocation failed: TOLL_ETOOBIG (limit) or TOLL_ENOMEM */
};

void toll_arena_init(struct toll_arena *a, size_t limit);

/* The first chunk will hold at least this many bytes; later ones double, up to 1 MiB. */
int toll_arena_reserve(struct toll_arena *a, size_t size) TOLL_MUST_CHECK;
void toll_arena_reset(struct toll_arena *a);   /* forget everything, keep the largest chunk */
void toll_arena_release(struct toll_arena *a); /* give everything back */

/* NULL with a->err set when out of memory or over the limit. The memory is not zeroed. */
void *toll_arena_alloc(struct toll_arena *a, size_t size, size_t align) TOLL_MUST_CHECK;

#define toll_arena_new(a, type, count) \
	((type *)toll_arena_array((a), sizeof(type), _Alignof(type), (count)))
void *toll_arena_array(struct toll_arena *a, size_t size, size_t align,
                       size_t count) TOLL_MUST_CHECK;

/* A copy that lives as long as the arena; {NULL, 0} with a->err set on failure. */
struct toll_slice toll_arena_dup(struct toll_arena *a, struct toll_slice s) TOLL_MUST_CHECK;

/* NUL-terminated copy, NULL on failure; printf into the arena, {NULL, 0} on failure. */
char *toll_arena_strdup(struct toll_arena *a, struct toll_slice s) TOLL_MUST_CHECK;
struct toll_slice toll_arena_printf(struct toll_arena *a, const char *fmt, ...)
	TOLL_PRINTF(2, 3) TOLL_MUST_CHECK;

#endif
