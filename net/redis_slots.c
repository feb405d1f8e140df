/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redis_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Polynomial 0x1021, from 0, most significant bit first. */
static uint16_t crc16(const char *bytes, size_t len)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc ^ (unsigned char)bytes[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

unsigned toll_redis_slot(struct toll_slice key)
{
	const char *open = key.len ? memchr(key.ptr, '{', key.len) : NULL, *close;
	size_t left;

	if (open) {
		open++;
		left = key.len - (size_t)(open - key.ptr);
		close = memchr(open, '}', left);
		if (close && close > open)
			key = toll_slice(open, (size_t)(close - open));
	}
	return crc16(key.ptr, key.len) % TOLL_REDIS_SLOTS;
}

/* No host: the one of who answers (Redis that does not know its own address). */
static bool set_host(struct toll_slice host, const struct toll_endpoint *who,
                     struct toll_endpoint *ret)
{
	if (host.len == 0)
		host = toll_slice_str(who->host);
	if (host.len == 0 || host.len > TOLL_HOST_MAX || toll_slice_is(host, "?") ||
	    memchr(host.ptr, '\0', host.len))
		return false;
	memcpy(ret->host, host.ptr, host.len);
	ret->host[host.len] = '\0';
	return true;
}

static bool read_address(const char *text, const struct toll_endpoint *who,
                         struct toll_endpoint *ret)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (!colon || !toll_slice_digits(toll_slice_str(colon + 1), UINT16_MAX, &port) || port == 0)
		return false;
	ret->port = (uint16_t)port;
	return set_host(toll_slice(text, (size_t)(colon - text)), who, ret);
}

enum toll_redis_redirect toll_redis_redirect_parse(const char *text,
                                                   const struct toll_endpoint *who,
                                                   unsigned *ret_slot, struct toll_endpoint *ret)
{
	enum toll_redis_redirect kind = TOLL_REDIRECT_NONE;
	uint64_t slot;
	size_t len;

	if (strncmp(text, "MOVED ", 6) == 0) {
		kind = TOLL_REDIRECT_MOVED;
		text += 6;
	} else if (strncmp(text, "ASK ", 4) == 0) {
		kind = TOLL_REDIRECT_ASK;
		text += 4;
	}
	len = strcspn(text, " ");
	if (!kind || text[len] != ' ' ||
	    !toll_slice_digits(toll_slice(text, len), TOLL_REDIS_SLOTS - 1, &slot) ||
	    !read_address(text + len + 1, who, ret))
		return TOLL_REDIRECT_NONE;
	*ret_slot = (unsigned)slot;
	return kind;
}

/* ---- the map ---- */

static bool is_text(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS;
}

static bool read_port(const redisReply *r, uint16_t *ret)
{
	uint64_t port = 0;

	if (r->type == REDIS_REPLY_INTEGER && r->integer > 0 && r->integer <= UINT16_MAX)
		port = (uint64_t)r->integer;
	else if (!is_text(r) || !toll_slice_digits(toll_slice(r->str, r->len), UINT16_MAX, &port))
		return false;
	*ret = (uint16_t)port;
	return port > 0;
}

bool toll_redis_endpoint_read(const redisReply *host, const redisReply *port,
                              const struct toll_endpoint *who, struct toll_endpoint *ret)
{
	struct toll_slice text = { NULL, 0 };

	if (is_text(host))
		text = toll_slice(host->str, host->len);
	else if (host->type != REDIS_REPLY_NIL)
		return false;
	return read_port(port, &ret->port) && set_host(text, who, ret);
}

static bool is_slot(const redisReply *r)
{
	return r->type == REDIS_REPLY_INTEGER && r->integer >= 0 && r->integer < TOLL_REDIS_SLOTS;
}

/* [first, last, [host, port, ...], replicas...] */
static bool read_range(const redisReply *r, const struct toll_endpoint *who, unsigned *ret_first,
                       unsigned *ret_last, struct toll_endpoint *ret)
{
	const redisReply *node;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 3 || !is_slot(r->element[0]) ||
	    !is_slot(r->element[1]))
		return false;
	node = r->element[2];
	*ret_first = (unsigned)r->element[0]->integer;
	*ret_last = (unsigned)r->element[1]->integer;
	return *ret_first <= *ret_last && node->type == REDIS_REPLY_ARRAY && node->elements >= 2 &&
	       toll_redis_endpoint_read(node->element[0], node->element[1], who, ret);
}

int toll_redis_slots_read(const redisReply *reply, const struct toll_endpoint *who,
                          void (*range)(void *ctx, unsigned first, unsigned last,
                                        const struct toll_endpoint *node),
                          void *ctx)
{
	int n = 0;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements > TOLL_REDIS_SLOTS)
		return TOLL_EINVALID;
	for (size_t i = 0; i < reply->elements; i++) {
		struct toll_endpoint node;
		unsigned first, last;

		if (!read_range(reply->element[i], who, &first, &last, &node))
			continue;
		range(ctx, first, last, &node);
		n++;
	}
	return n;
}
