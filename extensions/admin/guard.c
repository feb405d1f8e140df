/* SPDX-License-Identifier: Apache-2.0 */
#include "extensions/admin/guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "extensions/admin/admin.h"
#include "net/endpoint.h"

/* ---- names ---- */

/* "[::1]:8080" -> "::1", "localhost:8080" -> "localhost". */
static struct toll_slice without_port(struct toll_slice host)
{
	const char *end;

	if (host.len && host.ptr[0] == '[') {
		end = memchr(host.ptr, ']', host.len);
		return end ? toll_slice(host.ptr + 1, (size_t)(end - host.ptr) - 1)
		           : toll_slice(NULL, 0);
	}
	end = memchr(host.ptr, ':', host.len);
	return end ? toll_slice(host.ptr, (size_t)(end - host.ptr)) : host;
}

/* 127.0.0.0/8, of digits and dots alone: "127.0.0.1.example.com" is somebody's name. */
static bool is_loopback_v4(struct toll_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '.' && !(s.ptr[i] >= '0' && s.ptr[i] <= '9'))
			return false;
	return s.len > 4 && memcmp(s.ptr, "127.", 4) == 0;
}

static bool is_loopback(struct toll_slice s)
{
	static const char mapped[] = "::ffff:";
	size_t skip = sizeof(mapped) - 1;

	if (s.len > skip && strncasecmp(s.ptr, mapped, skip) == 0)
		return is_loopback_v4(toll_slice(s.ptr + skip, s.len - skip));
	return toll_slice_is(s, "::1") || is_loopback_v4(s);
}

bool toll_admin_is_local_host(struct toll_slice host)
{
	struct toll_slice name = without_port(host);

	return is_loopback(name) || (name.len == 9 && strncasecmp(name.ptr, "localhost", 9) == 0);
}

bool toll_admin_is_local_peer(struct toll_slice peer)
{
	return toll_slice_is(peer, "unix") || is_loopback(without_port(peer));
}

bool toll_admin_is_same_site(struct toll_slice origin, struct toll_slice host)
{
	const char *at = memmem(origin.ptr, origin.len, "://", 3);
	size_t skip = at ? (size_t)(at - origin.ptr) + 3 : origin.len;

	return at && origin.len - skip == host.len && host.len &&
	       strncasecmp(origin.ptr + skip, host.ptr, host.len) == 0;
}

/* ---- one request ---- */

static struct toll_slice header(const struct toll_admin_request *q, const char *name)
{
	const char *value = toll_http_header(q->in, name);

	return value ? toll_slice_str(value) : toll_slice(NULL, 0);
}

bool toll_admin_is_for_another_site(const struct toll_admin_request *q)
{
	struct toll_slice host = header(q, "Host"), origin = header(q, "Origin");
	struct toll_slice site = header(q, "Sec-Fetch-Site");

	if (q->admin->local && host.len && !toll_admin_is_local_host(host) &&
	    strncmp(q->admin->config->endpoint.ptr, "unix:", 5) != 0)
		return true;
	if (origin.len && !toll_admin_is_same_site(origin, host))
		return true;
	return toll_slice_is(site, "cross-site") || toll_slice_is(site, "same-site");
}

struct caller {
	struct toll_auth_request super;
	const struct toll_admin_request *q;
};

static struct toll_slice find_header(const struct toll_auth_request *super, const char *name)
{
	const struct caller *c = (const struct caller *)(const void *)super; /* its first member */

	return header(c->q, name);
}

static bool authenticate(struct toll_admin_request *q)
{
	struct toll_authenticator *auth = q->admin->auth;
	struct caller c = { { find_header }, q };
	const char *why = NULL;
	int err = auth->check(auth, &c.super, q->who, &why);

	if (!err)
		return true;
	if (err == TOLL_EDENIED) {
		toll_http_add_header(&q->out, "WWW-Authenticate", auth->challenge);
		toll_admin_refuse(q, 401, "%s", why);
	} else {
		toll_http_add_header(&q->out, "Retry-After", "1");
		toll_admin_refuse(q, 429, "%s", why);
	}
	return false;
}

/* Connections of others were refused with their handshake. */
static bool name_certificate(struct toll_admin_request *q)
{
	char name[512];

	toll_http_client_name(q->in, name, sizeof(name));
	toll_identity_print(toll_slice_str(*name ? name : "(unnamed)"), q->who);
	return true;
}

static bool check_peer(struct toll_admin_request *q)
{
	char peer[64];

	toll_http_peer(q->in, peer, sizeof(peer));
	snprintf(q->who, sizeof(q->who), "local");
	if (toll_admin_is_local_peer(toll_slice_str(peer)))
		return true;
	toll_admin_refuse(q, 403, "without auth::authenticator only this machine is answered");
	return false;
}

bool toll_admin_let_in(struct toll_admin_request *q)
{
	if (toll_admin_is_for_another_site(q)) {
		toll_admin_refuse(q, 403,
		                  "a page of another site asks; ask at the daemon's own address "
		                  "(Host, Origin)");
		return false;
	}
	if (q->admin->auth)
		return authenticate(q);
	if (q->admin->config->tls.client_ca_file.len)
		return name_certificate(q);
	return check_peer(q);
}
