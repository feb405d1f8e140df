/* SPDX-License-Identifier: Apache-2.0 */
/* slice.h - a borrowed, bounded run of bytes: not NUL-terminated, never freed. */
#ifndef TOLL_BASE_SLICE_H
#define TOLL_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Two machine words on purpose: passed and returned in registers. */
struct toll_slice {
	const char *ptr;
	size_t len;
};

#define TOLL_SLICE(literal) ((struct toll_slice){ "" literal "", sizeof(literal) - 1 })

static inline struct toll_slice toll_slice(const void *ptr, size_t len)
{
	return (struct toll_slice){ ptr, len };
}

static inline bool toll_slice_eq(struct toll_slice a, struct toll_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* At most max bytes, cut before a UTF-8 character that would not be whole. */
static inline struct toll_slice toll_slice_cut(struct toll_slice s, size_t max)
{
	if (s.len <= max)
		return s;
	while (max && ((unsigned char)s.ptr[max] & 0xc0) == 0x80)
		max--;
	return toll_slice(s.ptr, max);
}

static inline struct toll_slice toll_slice_str(const char *text)
{
	return (struct toll_slice){ text, strlen(text) };
}

static inline bool toll_slice_is(struct toll_slice s, const char *text)
{
	return toll_slice_eq(s, toll_slice_str(text));
}

/* Without the bytes of `any_of` at both ends. */
struct toll_slice toll_slice_trim(struct toll_slice s, const char *any_of);
#define TOLL_BLANKS " \t"
#define TOLL_SPACES " \t\n\v\f\r" /* what isspace() says */

/* A number from 0 to max of decimal digits alone, no more of them than max has. False: it is none;
 * *ret is as it was. */
bool toll_slice_digits(struct toll_slice s, uint64_t max, uint64_t *ret);

/* For printf("%.*s", TOLL_FMT(s)). */
#define TOLL_FMT(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

#endif
