/* SPDX-License-Identifier: Apache-2.0 */
#include "receivers/otlp/security.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/host.h"
#include "receivers/otlp/settings.h"

static void warn_of_expiry(const struct toll_otlp_security *s)
{
	struct toll_tls_material *m = toll_tls_server_material(s->tls);
	char text[32];

	if (m->expires_unix_s * TOLL_S <= toll_clock_wall_ns())
		TOLL_WARN(
			s->component->who,
			"%s: the certificate has expired at=%s: clients will refuse it", s->setting,
			toll_clock_rfc3339(m->expires_unix_s * TOLL_S, false, text, sizeof(text)));
	toll_tls_material_unref(m);
}

/* On the thread of a connection, inside the lock of the TLS server. */
static void on_reload(void *ctx, int err, const char *text)
{
	struct toll_otlp_security *s = ctx;

	if (err)
		TOLL_WARN(s->component->who, "the old certificates stay in use: %s", text);
	else
		TOLL_INFO(s->component->who, "new certificates in use setting=%s", s->setting);
}

static int start_tls(struct toll_otlp_security *s, const char *protocol,
                     const struct toll_server_tls *tls, struct toll_error *reterr)
{
	struct toll_tls_server_settings set = {
		TOLL_TLS_SERVER_SETTINGS(tls),
		.setting = s->setting,
		.on_reload = on_reload,
		.ctx = s,
	};
	int err;

	snprintf(s->setting, sizeof(s->setting), "receivers::%s::protocols::%s::tls",
	         s->component->id.text, protocol);
	err = toll_tls_server_new(&set, &s->tls, reterr);
	if (err)
		return err;
	s->mutual = tls->client_ca_file.len > 0;
	warn_of_expiry(s);
	return 0;
}

static int find_authenticator(struct toll_otlp_security *s, const char *protocol, const char *id,
                              struct toll_error *reterr)
{
	s->auth = toll_host_find(s->component->host, "auth", id);
	if (s->auth)
		return 0;
	return toll_fail(reterr, TOLL_ECONFIG,
	                 "receivers::%s::protocols::%s::auth::authenticator: \"%s\" is no "
	                 "extension that authenticates",
	                 s->component->id.text, protocol, id);
}

int toll_otlp_security_start(struct toll_otlp_security *s, struct toll_component *c,
                             const char *protocol, const struct toll_server_tls *tls,
                             const struct toll_otlp_auth_config *auth, struct toll_error *reterr)
{
	int err = 0;

	s->component = c;
	if (auth->present)
		err = find_authenticator(s, protocol, auth->authenticator.ptr, reterr);
	if (!err && tls->present)
		err = start_tls(s, protocol, tls, reterr);
	return err;
}

void toll_otlp_security_release(struct toll_otlp_security *s)
{
	s->tls = toll_tls_server_free(s->tls);
}

/* An authority may sign a certificate without any name. */
static void read_certificate(const struct toll_otlp_caller *c, char identity[TOLL_IDENTITY_MAX])
{
	char name[512];

	c->certificate(c, name, sizeof(name));
	toll_identity_print(toll_slice_str(*name ? name : "(unnamed)"), identity);
}

int toll_otlp_identify(struct toll_otlp_security *s, const struct toll_otlp_caller *c,
                       char identity[TOLL_IDENTITY_MAX], const char **ret_why)
{
	int err = 0;

	identity[0] = '\0';
	if (s->auth)
		err = s->auth->check(s->auth, &c->headers, identity, ret_why);
	else if (s->mutual)
		read_certificate(c, identity);
	if (err == TOLL_EDENIED)
		atomic_fetch_add_explicit(&s->denied, 1, memory_order_relaxed);
	return err;
}
