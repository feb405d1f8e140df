/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/settings.h"

#include <stdio.h>
#include <strings.h>

#include "prices/catalogue.h"

const struct toll_field toll_prices_breaker_fields[] = {
	TOLL_FIELD(struct toll_prices_breaker, failures, INT, "5",
	           "After so many failures in a row the endpoint is left alone; 0: never.",
	           .max = 1000),
	TOLL_FIELD(struct toll_prices_breaker, open, DURATION, "30s",
	           "How long, until one probe; twice as long after every probe that fails, up to "
	           "10m. Never longer than refresh_interval."),
	TOLL_FIELD_END,
};

/* ---- the catalogue ---- */

static bool is_listed(const struct toll_slice_list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (toll_slice_is(l->at[i], name))
			return true;
	return false;
}

bool toll_prices_has_section(const struct toll_prices_settings *s, unsigned section)
{
	const char *name;

	if (!toll_catalogue_document(section, &name).ptr)
		return false;
	return is_listed(&s->catalogue, "true") ? toll_catalogue_is_preset(section)
	                                        : is_listed(&s->catalogue, name);
}

static bool has_catalogue(const struct toll_prices_settings *s)
{
	return s->catalogue.count && !is_listed(&s->catalogue, "false");
}

static bool is_section(struct toll_slice name)
{
	const char *known;

	for (unsigned i = 0; toll_catalogue_document(i, &known).ptr; i++)
		if (toll_slice_is(name, known))
			return true;
	return false;
}

/* "llm, aws" */
static void print_sections(char *buf, size_t size)
{
	const char *name;
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; toll_catalogue_document(i, &name).ptr && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", name);
}

static void validate_catalogue(const struct toll_prices_settings *s, struct toll_reporter *r)
{
	char sections[256];

	print_sections(sections, sizeof(sections));
	for (size_t i = 0; i < s->catalogue.count; i++) {
		struct toll_slice name = s->catalogue.at[i];
		bool truth = toll_slice_is(name, "true") || toll_slice_is(name, "false");

		if (truth ? s->catalogue.count > 1 : !is_section(name))
			toll_report_error(r, "catalogue",
			                  "\"%.*s\": must be true, false, or a list of %s",
			                  TOLL_FMT(name), sections);
	}
	if (has_catalogue(s) && toll_prices_scheme(s->endpoint) >= TOLL_PRICES_GRPC)
		toll_report_error(r, "catalogue", "comes from the pricing service: set it there");
}

/* ---- sources ---- */

bool toll_prices_are_set(const struct toll_prices_settings *s)
{
	return s->files.count || s->endpoint.len || has_catalogue(s);
}

enum toll_prices_scheme toll_prices_scheme(struct toll_slice endpoint)
{
	static const char *const schemes[] = { NULL, "http://", "https://", "grpc://", "grpcs://" };

	for (int i = TOLL_PRICES_HTTP; endpoint.len && i <= TOLL_PRICES_GRPCS; i++)
		if (strncasecmp(endpoint.ptr, schemes[i], strlen(schemes[i])) == 0)
			return (enum toll_prices_scheme)i;
	return TOLL_PRICES_NONE;
}

/* libcurl takes certificates from files, and looks at them at every request. */
static void validate_https(const struct toll_client_tls *tls, struct toll_reporter *r)
{
	if (tls->ca_pem.len || tls->cert_pem.len || tls->key_pem.len ||
	    tls->server_name_override.len || tls->include_system_ca_certs_pool)
		toll_report_error(r, "tls",
		                  "for an endpoint in https: set ca_file, cert_file, key_file or "
		                  "insecure_skip_verify");
}

static void validate_tls(const struct toll_prices_settings *s, struct toll_reporter *r)
{
	const struct toll_client_tls *tls = &s->tls;
	enum toll_prices_scheme scheme = toll_prices_scheme(s->endpoint);

	toll_client_tls_check(tls, "tls", r);
	if (tls->present && scheme != TOLL_PRICES_HTTPS && scheme != TOLL_PRICES_GRPCS)
		toll_report_error(r, "tls", "is for an endpoint in https or grpcs");
	else if (tls->insecure)
		toll_report_error(r, "tls::insecure", "write http:// or grpc:// to go without TLS");
	if (tls->min_version.len || tls->max_version.len)
		toll_report_error(r, "tls", "versions cannot be chosen: 1.2 and 1.3 are spoken");
	if (scheme == TOLL_PRICES_HTTPS)
		validate_https(tls, r);
}

static void validate_endpoint(const struct toll_prices_settings *s, struct toll_reporter *r)
{
	enum toll_prices_scheme scheme = toll_prices_scheme(s->endpoint);
	const char *host;

	if (scheme == TOLL_PRICES_NONE)
		toll_report_error(r, "endpoint",
		                  "must begin with http://, https://, grpc:// or grpcs://");
	if (scheme < TOLL_PRICES_GRPC)
		return;
	host = strstr(s->endpoint.ptr, "://") + strlen("://");
	if (!strrchr(host, ':') || strpbrk(host, "/?#@"))
		toll_report_error(r, "endpoint", "name host and port: grpc://prices.example:4322");
}

void toll_prices_validate(const struct toll_prices_settings *s, const char *files_name,
                          struct toll_reporter *r)
{
	if (s->files.count && s->endpoint.len)
		toll_report_error(r, "endpoint", "choose one: %s or endpoint", files_name);
	if (s->endpoint.len)
		validate_endpoint(s, r);
	if (s->endpoint.len && s->ttl && (!s->refresh_interval || s->refresh_interval >= s->ttl))
		toll_report_error(r, "refresh_interval",
		                  "must be shorter than ttl, or prices go stale while all is well");
	if (s->cache_directory.len && !s->endpoint.len)
		toll_report_error(r, "cache_directory",
		                  "is for an endpoint; files are on the disk already");
	validate_catalogue(s, r);
	validate_tls(s, r);
	for (size_t i = 0; i < s->files.count; i++)
		if (!s->files.at[i].len)
			toll_report_error(r, files_name, "names an empty file");
}
