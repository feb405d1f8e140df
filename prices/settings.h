/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - where prices come from, as users say it: in the extension pricebook, or inline in
 * the processor pricing, whose settings then become those of a pricebook of its own. */
#ifndef TOLL_PRICES_SETTINGS_H
#define TOLL_PRICES_SETTINGS_H

#include "config/client_tls.h"
#include "config/schema.h"

struct toll_prices_breaker {
	int64_t failures;
	uint64_t open; /* ns */
};

struct toll_prices_settings {
	struct toll_slice_list files;   /* read in this order into one book; or: */
	struct toll_slice endpoint;     /* http or https URL */
	uint64_t ttl, refresh_interval; /* ns */
	struct toll_slice cache_directory;
	struct toll_prices_breaker circuit_breaker;
	struct toll_client_tls tls;
};

extern const struct toll_field toll_prices_breaker_fields[];

/* Into a field table; the member of conf is a struct toll_prices_settings. files_name: what the
 * list of files is called there. */
/* clang-format off */
#define TOLL_PRICES_FIELDS(conf, member, files_name)                                               \
	{ .name = (files_name), .type = TOLL_FIELD_LIST, .offset = offsetof(conf, member.files),   \
	  .help = "Price documents (YAML, JSON) on this machine; read again when one changes and every "\
	          "refresh_interval; they never go stale." },                                      \
	{ .name = "endpoint", .type = TOLL_FIELD_STRING, .offset = offsetof(conf, member.endpoint), \
	  .help = "URL that answers a GET with the price document within 5 s." },                  \
	{ .name = "ttl", .type = TOLL_FIELD_DURATION, .preset = "15m",                             \
	  .offset = offsetof(conf, member.ttl),                                                    \
	  .help = "Prices from the endpoint that are older than this price nothing; 0: never." },  \
	{ .name = "refresh_interval", .type = TOLL_FIELD_DURATION, .preset = "10m",                \
	  .offset = offsetof(conf, member.refresh_interval),                                       \
	  .help = "How often prices are fetched or read again; 0: never. A tenth of it at "        \
	          "random." },                                                                     \
	{ .name = "cache_directory", .type = TOLL_FIELD_STRING,                                    \
	  .offset = offsetof(conf, member.cache_directory),                                        \
	  .help = "Where the endpoint's last good document is kept, so that a restart needs no "   \
	          "network; default: nowhere." },                                                  \
	{ .name = "circuit_breaker", .type = TOLL_FIELD_GROUP,                                     \
	  .group = toll_prices_breaker_fields,                                                     \
	  .offset = offsetof(conf, member.circuit_breaker),                                        \
	  .help = "When an endpoint that fails is left alone." },                                  \
	{ .name = "tls", .type = TOLL_FIELD_GROUP, .group = toll_client_tls_fields,                \
	  .offset = offsetof(conf, member.tls), .present = offsetof(conf, member.tls.present),     \
	  .help = "Certificates, for an endpoint in https." }
/* clang-format on */

/* Whether any source is named. */
bool toll_prices_are_set(const struct toll_prices_settings *s);
/* What a field table cannot say. */
void toll_prices_validate(const struct toll_prices_settings *s, const char *files_name,
                          struct toll_reporter *r);

#endif
