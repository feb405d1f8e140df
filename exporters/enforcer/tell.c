/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/tell.h"

#include <string.h>

#include "base/log.h"

static bool has_word(struct toll_slice list, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= list.len; i++)
		if (memcmp(list.ptr + i, word, len) == 0 && (i == 0 || list.ptr[i - 1] == ',') &&
		    (i + len == list.len || list.ptr[i + len] == ','))
			return true;
	return false;
}

/* A change is told whatever else is logged: its own site never holds a line back. */
static void tell(enum toll_log_level level, const char *who, struct toll_slice service,
                 const char *what, struct toll_slice amounts)
{
	struct toll_log_site site = { 0 };

	toll_log_write(&site, level, who, "[COST_ENFORCEMENT] %.*s %s: %.*s", TOLL_FMT(service),
	               what, TOLL_FMT(amounts));
}

void toll_tell_change(struct toll_counters *c, const char *who, struct toll_slice service,
                      struct toll_slice what, struct toll_slice amounts)
{
	if (has_word(what, "set")) {
		tell(TOLL_LOG_WARN, who, service, "exceeded budget", amounts);
		toll_counter_add(c, TOLL_COUNTER_FLAGS_SET, 1);
	}
	if (has_word(what, "release")) {
		tell(TOLL_LOG_INFO, who, service, "is back within budget", amounts);
		toll_counter_add(c, TOLL_COUNTER_FLAGS_RELEASED, 1);
	}
	if (has_word(what, "restore")) {
		tell(TOLL_LOG_WARN, who, service, "had lost its flag, set again", amounts);
		toll_counter_add(c, TOLL_COUNTER_FLAGS_RESTORED, 1);
	}
	if (has_word(what, "shadow_set"))
		tell(TOLL_LOG_WARN, who, service, "would be throttled (shadow)", amounts);
	if (has_word(what, "shadow_release"))
		tell(TOLL_LOG_INFO, who, service, "would be released (shadow)", amounts);
}
