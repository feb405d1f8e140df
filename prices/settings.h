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
	struct toll_slice_list catalogue; /* "true", "false", or sections; below the rest */
	struct toll_slice_list files;     /* read in this order into one book; or: */
	struct toll_slice endpoint;       /* URL in one of the schemes below */
	uint64_t ttl, refresh_interval;   /* ns */
	struct toll_slice cache_directory;
	int64_t max_change;        /* times; 0: any */
	struct toll_slice confirm; /* a version that is taken although it changes more */
	struct toll_prices_breaker circuit_breaker;
	struct toll_client_tls tls;
};

extern const struct toll_field toll_prices_breaker_fields[];

/* Into a field table; the member of conf is a struct toll_prices_settings. files_name: what the
 * list of files is called there. */
/* clang-format off */
#define TOLL_PRICES_FIELDS(conf, member, files_name)                                               \
	{ .name = "catalogue", .type = TOLL_FIELD_LIST, .preset = "false",                         \
	  .offset = offsetof(conf, member.catalogue),                                              \
	  .help = "Prices that are part of the program: true, false, or a list of sections "       \
	          "(llm, llm_hosts, aws, compute, egress). What files and endpoint say counts more." }, \
	{ .name = (files_name), .type = TOLL_FIELD_LIST, .offset = offsetof(conf, member.files),   \
	  .help = "Price documents (YAML, JSON) on this machine; read again when one changes and every "\
	          "refresh_interval; they never go stale." },                                      \
	{ .name = "endpoint", .type = TOLL_FIELD_STRING, .offset = offsetof(conf, member.endpoint), \
	  .help = "URL that answers a GET with the price document within 5 s, or grpc://host:port "\
	          "of a pricing_service, which is followed." },                                    \
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
	{ .name = "max_change", .type = TOLL_FIELD_INT, .preset = "10", .max = 1000000,            \
	  .offset = offsetof(conf, member.max_change),                                             \
	  .help = "A refresh that moves a price by more than so many times is held until it is "   \
	          "confirmed; 0: never. Not for grpc, where the service holds it." },              \
	{ .name = "confirm", .type = TOLL_FIELD_STRING, .offset = offsetof(conf, member.confirm),  \
	  .help = "The version of a price book that was held and is to be taken, as the log "      \
	          "names it." },                                                                   \
	{ .name = "circuit_breaker", .type = TOLL_FIELD_GROUP,                                     \
	  .group = toll_prices_breaker_fields,                                                     \
	  .offset = offsetof(conf, member.circuit_breaker),                                        \
	  .help = "When an endpoint that fails is left alone." },                                  \
	{ .name = "tls", .type = TOLL_FIELD_GROUP, .group = toll_client_tls_fields,                \
	  .offset = offsetof(conf, member.tls), .present = offsetof(conf, member.tls.present),     \
	  .help = "Certificates, for an endpoint in https or grpcs." }
/* clang-format on */

enum toll_prices_scheme {
	TOLL_PRICES_NONE = 0, /* none of these */
	TOLL_PRICES_HTTP,
	TOLL_PRICES_HTTPS,
	TOLL_PRICES_GRPC, /* the pricing service of another spantoll */
	TOLL_PRICES_GRPCS,
};
enum toll_prices_scheme toll_prices_scheme(struct toll_slice endpoint);

/* Whether a section of the catalogue (prices/catalogue.h) is chosen. */
bool toll_prices_has_section(const struct toll_prices_settings *s, unsigned section);

/* Whether any source is named. */
bool toll_prices_are_set(const struct toll_prices_settings *s);
/* What a field table cannot say. */
void toll_prices_validate(const struct toll_prices_settings *s, const char *files_name,
                          struct toll_reporter *r);

#endif
