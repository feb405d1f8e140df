/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/settings.h"

#include <strings.h>

const struct toll_field toll_prices_breaker_fields[] = {
	TOLL_FIELD(struct toll_prices_breaker, failures, INT, "5",
	           "After so many failures in a row the endpoint is left alone; 0: never.",
	           .max = 1000),
	TOLL_FIELD(struct toll_prices_breaker, open, DURATION, "30s",
	           "How long, until one probe; twice as long after every probe that fails, up to "
	           "10m. Never longer than refresh_interval."),
	TOLL_FIELD_END,
};

bool toll_prices_are_set(const struct toll_prices_settings *s)
{
	return s->files.count || s->endpoint.len;
}

/* libcurl takes certificates from files, and looks at them at every request. */
static void validate_tls(const struct toll_prices_settings *s, struct toll_reporter *r)
{
	const struct toll_client_tls *tls = &s->tls;

	toll_client_tls_check(tls, "tls", r);
	if (!s->endpoint.len || strncasecmp(s->endpoint.ptr, "https://", 8) != 0)
		return;
	if (tls->insecure)
		toll_report_error(r, "tls::insecure", "write http:// to go without TLS");
	if (tls->ca_pem.len || tls->cert_pem.len || tls->key_pem.len ||
	    tls->server_name_override.len || tls->min_version.len || tls->max_version.len ||
	    tls->include_system_ca_certs_pool)
		toll_report_error(r, "tls",
		                  "for an endpoint in https: set ca_file, cert_file, key_file or "
		                  "insecure_skip_verify");
}

void toll_prices_validate(const struct toll_prices_settings *s, const char *files_name,
                          struct toll_reporter *r)
{
	if (s->files.count && s->endpoint.len)
		toll_report_error(r, "endpoint", "choose one: %s or endpoint", files_name);
	if (s->endpoint.len && strncasecmp(s->endpoint.ptr, "http://", 7) != 0 &&
	    strncasecmp(s->endpoint.ptr, "https://", 8) != 0)
		toll_report_error(r, "endpoint", "must begin with http:// or https://");
	if (s->endpoint.len && s->ttl && (!s->refresh_interval || s->refresh_interval >= s->ttl))
		toll_report_error(r, "refresh_interval",
		                  "must be shorter than ttl, or prices go stale while all is well");
	if (s->cache_directory.len && !s->endpoint.len)
		toll_report_error(r, "cache_directory",
		                  "is for an endpoint; files are on the disk already");
	validate_tls(s, r);
	for (size_t i = 0; i < s->files.count; i++)
		if (!s->files.at[i].len)
			toll_report_error(r, files_name, "names an empty file");
}
