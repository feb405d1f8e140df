/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/cors.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static bool same(struct toll_slice a, struct toll_slice b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static bool is_any(struct toll_slice s)
{
	return toll_slice_is(s, "*");
}

/* ---- origins ---- */

static bool origin_matches(struct toll_slice pattern, struct toll_slice origin)
{
	const char *star = pattern.len ? memchr(pattern.ptr, '*', pattern.len) : NULL;
	size_t head, tail;

	if (!star)
		return same(pattern, origin);
	head = (size_t)(star - pattern.ptr);
	tail = pattern.len - head - 1;
	return origin.len >= head + tail && strncasecmp(origin.ptr, pattern.ptr, head) == 0 &&
	       strncasecmp(origin.ptr + origin.len - tail, star + 1, tail) == 0;
}

bool toll_otlp_cors_origin(const struct toll_slice_list *allowed, struct toll_slice origin)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (origin_matches(allowed->at[i], origin))
			return true;
	return false;
}

static bool any_origin(const struct toll_otlp_cors *c)
{
	const struct toll_slice_list *allowed = &c->config->allowed_origins;

	for (size_t i = 0; i < allowed->count; i++)
		if (is_any(allowed->at[i]))
			return true;
	return false;
}

/* ---- headers ---- */

/* Without these no exporter in a browser could send anything. */
static bool always_allowed(struct toll_slice name)
{
	static const struct toll_slice names[] = {
		{ "accept", 6 },        { "accept-language", 15 },  { "content-language", 16 },
		{ "content-type", 12 }, { "x-requested-with", 16 },
	};

	for (size_t i = 0; i < TOLL_COUNT(names); i++)
		if (same(name, names[i]))
			return true;
	return false;
}

static bool header_allowed(const struct toll_slice_list *allowed, struct toll_slice name)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (is_any(allowed->at[i]) || same(allowed->at[i], name))
			return true;
	return name.len == 0 || always_allowed(name);
}

bool toll_otlp_cors_headers(const struct toll_slice_list *allowed, struct toll_slice names)
{
	while (names.len) {
		const char *comma = memchr(names.ptr, ',', names.len);
		size_t len = comma ? (size_t)(comma - names.ptr) : names.len;

		if (!header_allowed(allowed,
		                    toll_slice_trim(toll_slice(names.ptr, len), TOLL_BLANKS)))
			return false;
		len += comma ? 1 : 0;
		names = toll_slice(names.ptr + len, names.len - len);
	}
	return true;
}

/* ---- answers ---- */

/* Credentials go with a page that was named, never with "any". */
static void permit(const struct toll_otlp_cors *c, const char *origin, struct toll_http_response *r)
{
	if (any_origin(c)) {
		toll_http_add_header(r, "Access-Control-Allow-Origin", "*");
		return;
	}
	toll_http_add_header(r, "Access-Control-Allow-Origin", origin);
	toll_http_add_header(r, "Access-Control-Allow-Credentials", "true");
}

static bool is_permitted(const struct toll_otlp_cors *c, const struct toll_otlp_preflight *p)
{
	return p->origin &&
	       toll_otlp_cors_origin(&c->config->allowed_origins, toll_slice_str(p->origin)) &&
	       strcasecmp(p->method, "POST") == 0 &&
	       (!p->headers ||
	        toll_otlp_cors_headers(&c->config->allowed_headers, toll_slice_str(p->headers)));
}

void toll_otlp_cors_preflight(const struct toll_otlp_cors *c, const struct toll_otlp_preflight *p,
                              struct toll_http_response *r)
{
	r->status = 204;
	toll_http_add_header(r, "Vary",
	                     "Origin, Access-Control-Request-Method, "
	                     "Access-Control-Request-Headers");
	if (!is_permitted(c, p))
		return;
	permit(c, p->origin, r);
	toll_http_add_header(r, "Access-Control-Allow-Methods", "POST");
	if (p->headers)
		toll_http_add_header(r, "Access-Control-Allow-Headers", p->headers);
	if (*c->max_age)
		toll_http_add_header(r, "Access-Control-Max-Age", c->max_age);
}

void toll_otlp_cors_answer(const struct toll_otlp_cors *c, const char *origin,
                           struct toll_http_response *r)
{
	if (!toll_otlp_cors_on(c))
		return;
	toll_http_add_header(r, "Vary", "Origin");
	if (!origin || !toll_otlp_cors_origin(&c->config->allowed_origins, toll_slice_str(origin)))
		return;
	permit(c, origin, r);
	if (c->exposed)
		toll_http_add_header(r, "Access-Control-Expose-Headers", c->exposed);
}

/* ---- made once ---- */

/* "a, b, c"; NULL: out of memory. */
static char *join(const struct toll_slice_list *list)
{
	size_t room = 1, len = 0;
	char *text;

	for (size_t i = 0; i < list->count; i++)
		room += list->at[i].len + 2;
	text = calloc(1, room);
	for (size_t i = 0; text && i < list->count; i++)
		len += (size_t)snprintf(text + len, room - len, "%s%.*s", i ? ", " : "",
		                        TOLL_FMT(list->at[i]));
	return text;
}

int toll_otlp_cors_init(struct toll_otlp_cors *c, const struct toll_otlp_cors_config *config)
{
	*c = (struct toll_otlp_cors){ .config = config };
	if (config->max_age)
		snprintf(c->max_age, sizeof(c->max_age), "%lld",
		         config->max_age > 0 ? (long long)config->max_age : 0);
	if (!config->exposed_headers.count)
		return 0;
	c->exposed = join(&config->exposed_headers);
	return c->exposed ? 0 : TOLL_ENOMEM;
}

void toll_otlp_cors_release(struct toll_otlp_cors *c)
{
	free(c->exposed);
	c->exposed = NULL;
}
