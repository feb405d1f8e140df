/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/audit_line.h"

#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#define HASH_NAME ",\"hash\":\""
#define PREV_NAME ",\"prev\":\""
/* ,"hash":"…"} */
#define TAIL (sizeof(HASH_NAME) - 1 + TOLL_AUDIT_HASH + 2)

struct toll_audit_link toll_audit_start(void)
{
	struct toll_audit_link l = { .seq = 0 };

	memset(l.hash, '0', TOLL_AUDIT_HASH);
	return l;
}

/* body: the line up to where its hash begins. */
static void hash_line(const char *prev, struct toll_slice body, char out[TOLL_AUDIT_HASH + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, TOLL_AUDIT_HASH, (const uint8_t *)prev);
	sha256_update(&ctx, body.len, (const uint8_t *)body.ptr);
	sha256_update(&ctx, 1, (const uint8_t *)"}");
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[TOLL_AUDIT_HASH] = '\0';
}

static bool is_one_object(struct toll_slice object)
{
	if (object.len < 2 || object.ptr[0] != '{' || object.ptr[object.len - 1] != '}')
		return false;
	for (size_t i = 0; i < object.len; i++)
		if ((unsigned char)object.ptr[i] < 0x20)
			return false;
	return true;
}

int toll_audit_line_write(const struct toll_audit_link *last, struct toll_slice object,
                          char out[TOLL_AUDIT_LINE_MAX], struct toll_audit_link *ret)
{
	struct toll_audit_link next = { .seq = last->seq + 1 };
	int len, end;

	if (object.len > TOLL_AUDIT_OBJECT_MAX || last->seq >= INT64_MAX)
		return TOLL_ETOOBIG;
	if (!is_one_object(object))
		return TOLL_EINVALID;
	/* The object without its braces. */
	len = snprintf(out, TOLL_AUDIT_LINE_MAX, "{\"seq\":%" PRIu64 PREV_NAME "%s\"%s%.*s",
	               next.seq, last->hash, object.len > 2 ? "," : "", (int)object.len - 2,
	               object.ptr + 1);
	hash_line(last->hash, toll_slice(out, (size_t)len), next.hash);
	end = snprintf(out + len, TOLL_AUDIT_LINE_MAX - (size_t)len, HASH_NAME "%s\"}\n",
	               next.hash);
	*ret = next;
	return len + end;
}

/* ---- reading ---- */

static bool take(struct toll_slice *text, const char *word)
{
	size_t len = strlen(word);

	if (text->len < len || memcmp(text->ptr, word, len) != 0)
		return false;
	*text = toll_slice(text->ptr + len, text->len - len);
	return true;
}

static bool take_seq(struct toll_slice *text, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text->ptr[i] - '0'), &n))
			return false;
	if (!i || !n || text->ptr[0] == '0')
		return false;
	*text = toll_slice(text->ptr + i, text->len - i);
	*ret = n;
	return true;
}

static bool take_hash(struct toll_slice *text, char ret[TOLL_AUDIT_HASH + 1])
{
	if (text->len < TOLL_AUDIT_HASH)
		return false;
	memcpy(ret, text->ptr, TOLL_AUDIT_HASH);
	ret[TOLL_AUDIT_HASH] = '\0';
	*text = toll_slice(text->ptr + TOLL_AUDIT_HASH, text->len - TOLL_AUDIT_HASH);
	return strspn(ret, "0123456789abcdef") == TOLL_AUDIT_HASH;
}

const char *toll_audit_line_read(struct toll_slice line, struct toll_audit_link *ret_prev,
                                 struct toll_audit_link *ret)
{
	struct toll_audit_link prev, own;
	char computed[TOLL_AUDIT_HASH + 1];
	struct toll_slice head = line, tail;

	if (line.len < TAIL || !take(&head, "{\"seq\":") || !take_seq(&head, &own.seq) ||
	    !take(&head, PREV_NAME) || !take_hash(&head, prev.hash) || !take(&head, "\""))
		return "not a line of an audit log: it does not begin with seq and prev";
	tail = toll_slice(line.ptr + line.len - TAIL, TAIL);
	if (tail.ptr < head.ptr || !take(&tail, HASH_NAME) || !take_hash(&tail, own.hash) ||
	    !take(&tail, "\"}"))
		return "not a line of an audit log: it does not end with its hash";
	hash_line(prev.hash, toll_slice(line.ptr, line.len - TAIL), computed);
	if (strcmp(computed, own.hash) != 0)
		return "its hash does not fit: the line was changed";
	prev.seq = own.seq - 1;
	*ret_prev = prev;
	*ret = own;
	return NULL;
}
