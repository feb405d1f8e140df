/* SPDX-License-Identifier: Apache-2.0 */
/* yajl does not survive a failed allocation, so it never meets one: its memory is a block whose
 * size is enough for whatever a text of this length makes it ask for. It holds two buffers that
 * double (the string being unescaped, an unfinished token at the end of the text), together not
 * longer than twice the text, and small things. The newest piece grows in place, so that doubling
 * leaves nothing behind. */
#include "proto/json_read.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"

/* ---- memory ---- */

enum { POOL_SMALL = 64 * 1024, POOL_PER_BYTE = 4, ALIGN = 16 };

struct pool {
	char *start, *next, *end;
	char *newest; /* the piece before next */
};

static size_t *size_before(void *piece)
{
	return (size_t *)(void *)((char *)piece - ALIGN);
}

/* Cuts or lengthens the newest piece. */
static void set_newest(struct pool *p, size_t size)
{
	size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;

	assert(rounded >= size && rounded <= (size_t)(p->end - p->newest));
	*size_before(p->newest) = size;
	p->next = p->newest + rounded;
}

static void *pool_alloc(void *ctx, size_t size)
{
	struct pool *p = ctx;

	assert(p->end - p->next >= ALIGN);
	p->newest = p->next + ALIGN;
	set_newest(p, size);
	return p->newest;
}

static void pool_free(void *ctx, void *piece)
{
	struct pool *p = ctx;

	if (piece && piece == p->newest)
		set_newest(p, 0);
}

static void *pool_realloc(void *ctx, void *piece, size_t size)
{
	struct pool *p = ctx;
	void *moved;

	if (!piece)
		return pool_alloc(ctx, size);
	if (piece == p->newest) {
		set_newest(p, size);
		return piece;
	}
	if (size <= *size_before(piece))
		return piece;
	moved = pool_alloc(ctx, size);
	memcpy(moved, piece, *size_before(piece));
	return moved;
}

static int pool_init(struct pool *p, size_t len)
{
	size_t size;

	if (__builtin_mul_overflow(len, POOL_PER_BYTE, &size) ||
	    __builtin_add_overflow(size, POOL_SMALL, &size))
		return TOLL_ENOMEM;
	p->start = malloc(size);
	if (!p->start)
		return TOLL_ENOMEM;
	p->next = p->start;
	p->newest = NULL;
	p->end = p->start + size;
	return 0;
}

/* ---- the text itself ---- */

static int hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] | 0x20) : p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static int unit_at(const char *p, const char *end)
{
	return end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;
}

/* p stands on a backslash. Behind the escape; a bad one is yajl's to refuse. */
static char *mend_escape(char *p, const char *end)
{
	int unit = unit_at(p, end), low;

	if (unit < 0xd800 || unit > 0xdfff)
		return p + (end - p < 2 ? 1 : 2);
	low = unit_at(p + 6, end);
	if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff)
		return p + 12;
	memcpy(p + 2, "fffd", 4);
	return p + 6;
}

/* Eight bytes of ASCII without a backslash. */
static bool is_easy(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return !((v | ((v ^ (ones * '\\')) - ones)) & tops);
}

/* Where the first byte is that is not UTF-8, or NULL. Mends lone surrogates on the way. */
static const char *mend(char *text, size_t len)
{
	char *p = text, *end = text + len;

	while (p < end) {
		size_t n;

		if (end - p >= 8 && is_easy(p)) {
			p += 8;
		} else if (*p == '\\') {
			p = mend_escape(p, end);
		} else if (!(*p & 0x80)) {
			p++;
		} else {
			n = toll_utf8_length((const uint8_t *)p, (size_t)(end - p));
			if (n == 0)
				return p;
			p += n;
		}
	}
	return NULL;
}

/* ---- yajl ---- */

/* yajl's sentence: "parse error: unallowed token at this point in JSON text\n". */
static void explain(yajl_handle yajl, struct toll_json_fault *reterr)
{
	unsigned char *text = yajl_get_error(yajl, 0, NULL, 0);
	const char *colon = strchr((const char *)text, ':');
	const char *what = colon ? colon + 2 : (const char *)text;

	snprintf(reterr->what, sizeof(reterr->what), "%.*s", (int)strcspn(what, "\n"), what);
	yajl_free_error(yajl, text);
}

static int run(yajl_handle yajl, const char *text, size_t len, struct toll_json_fault *reterr)
{
	yajl_status status = yajl_parse(yajl, (const unsigned char *)text, len);

	reterr->at = yajl_get_bytes_consumed(yajl);
	if (status == yajl_status_ok) {
		reterr->at = len;
		status = yajl_complete_parse(yajl);
	}
	if (status == yajl_status_ok)
		return 0;
	if (status == yajl_status_error)
		explain(yajl, reterr);
	return TOLL_EINVALID;
}

int toll_json_read(const yajl_callbacks *callbacks, void *ctx, char *text, size_t len,
                   struct toll_json_fault *reterr)
{
	const char *odd = mend(text, len);
	struct pool pool;
	yajl_alloc_funcs memory = { pool_alloc, pool_realloc, pool_free, &pool };
	yajl_handle yajl;
	int err;

	if (odd) {
		reterr->at = (size_t)(odd - text);
		snprintf(reterr->what, sizeof(reterr->what), "not UTF-8");
		return TOLL_EINVALID;
	}
	err = pool_init(&pool, len);
	if (err)
		return err;
	yajl = yajl_alloc(callbacks, &memory, ctx);
	yajl_config(yajl, yajl_dont_validate_strings, 1);
	err = run(yajl, text, len, reterr);
	yajl_free(yajl);
	free(pool.start);
	return err;
}

int toll_json_read_copy(const yajl_callbacks *callbacks, void *ctx, struct toll_slice text,
                        struct toll_json_fault *reterr)
{
	char *copy = malloc(text.len + 1);
	int err;

	if (!copy)
		return TOLL_ENOMEM;
	if (text.len)
		memcpy(copy, text.ptr, text.len);
	err = toll_json_read(callbacks, ctx, copy, text.len, reterr);
	free(copy);
	return err;
}
