/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/settings.h"

#include <strings.h>

static bool ends_in(struct toll_slice s, const char *suffix)
{
	size_t len = strlen(suffix);

	return s.len >= len && strcasecmp(s.ptr + s.len - len, suffix) == 0;
}

bool toll_prices_are_set(const struct toll_prices_settings *s)
{
	return s->files.count || s->endpoint.len;
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
	for (size_t i = 0; i < s->files.count; i++)
		if (ends_in(s->files.at[i], ".yaml") || ends_in(s->files.at[i], ".yml"))
			toll_report_error(r, files_name,
			                  "price books in YAML cannot be read yet: convert \"%s\" "
			                  "to JSON",
			                  s->files.at[i].ptr);
		else if (!s->files.at[i].len)
			toll_report_error(r, files_name, "names an empty file");
}
