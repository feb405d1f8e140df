/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - where prices come from, as users say it: in the extension pricebook, or inline in
 * the processor pricing, whose settings then become those of a pricebook of its own. */
#ifndef TOLL_PRICES_SETTINGS_H
#define TOLL_PRICES_SETTINGS_H

#include "config/schema.h"

struct toll_prices_settings {
	struct toll_slice_list files;   /* read in this order into one book; or: */
	struct toll_slice endpoint;     /* http or https URL */
	uint64_t ttl, refresh_interval; /* ns */
};

/* Into a field table; the member of conf is a struct toll_prices_settings. files_name: what the
 * list of files is called there. */
/* clang-format off */
#define TOLL_PRICES_FIELDS(conf, member, files_name)                                               \
	{ .name = (files_name), .type = TOLL_FIELD_LIST, .offset = offsetof(conf, member.files),   \
	  .help = "Price documents (JSON) on this machine; they are read again every "             \
	          "refresh_interval and never go stale." },                                        \
	{ .name = "endpoint", .type = TOLL_FIELD_STRING, .offset = offsetof(conf, member.endpoint), \
	  .help = "URL that answers a GET with the price document within 5 s." },                  \
	{ .name = "ttl", .type = TOLL_FIELD_DURATION, .preset = "15m",                             \
	  .offset = offsetof(conf, member.ttl),                                                    \
	  .help = "Prices from the endpoint that are older than this price nothing; 0: never." },  \
	{ .name = "refresh_interval", .type = TOLL_FIELD_DURATION, .preset = "10m",                \
	  .offset = offsetof(conf, member.refresh_interval),                                       \
	  .help = "How often prices are fetched or read again; 0: never. A tenth of it at random." }
/* clang-format on */

/* Whether any source is named. */
bool toll_prices_are_set(const struct toll_prices_settings *s);
/* What a field table cannot say. */
void toll_prices_validate(const struct toll_prices_settings *s, const char *files_name,
                          struct toll_reporter *r);

#endif
