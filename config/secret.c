/* SPDX-License-Identifier: Apache-2.0 */
#include "config/secret.h"

#include <string.h>
#include <strings.h>

static bool holds(struct toll_slice s, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= s.len; i++)
		if (strncasecmp(s.ptr + i, word, len) == 0)
			return true;
	return false;
}

bool toll_secret_is_key(struct toll_slice key)
{
	static const char *const words[] = { "authorization", "password",   "passwd",
		                             "secret",        "token",      "cookie",
		                             "api-key",       "api_key",    "apikey",
		                             "access-key",    "access_key", "credential",
		                             "signature",     NULL };

	for (const char *const *word = words; *word; word++)
		if (holds(key, *word))
			return true;
	return false;
}

/* The password in text: behind "scheme://user:", before the last @ of the authority. */
static struct toll_slice find_password(struct toll_slice text)
{
	const char *slashes = memmem(text.ptr, text.len, "://", 3), *colon, *at;
	struct toll_slice authority;
	size_t len = 0;

	if (!slashes)
		return toll_slice(NULL, 0);
	authority = toll_slice(slashes + 3, (size_t)(text.ptr + text.len - slashes) - 3);
	while (len < authority.len && !strchr("/?#, ", authority.ptr[len]))
		len++;
	authority.len = len;
	at = memrchr(authority.ptr, '@', authority.len);
	if (!at)
		return toll_slice(NULL, 0);
	colon = memchr(authority.ptr, ':', (size_t)(at - authority.ptr));
	return colon ? toll_slice(colon + 1, (size_t)(at - colon) - 1) : toll_slice(NULL, 0);
}

struct toll_slice toll_secret_hide_userinfo(struct toll_arena *arena, struct toll_slice text)
{
	struct toll_slice password = find_password(text), before, behind;

	if (!password.len)
		return text;
	before = toll_slice(text.ptr, (size_t)(password.ptr - text.ptr));
	behind = toll_slice(password.ptr + password.len, text.len - before.len - password.len);
	return toll_arena_printf(arena, "%.*s" TOLL_SECRET_HIDDEN "%.*s", TOLL_FMT(before),
	                         TOLL_FMT(behind));
}
