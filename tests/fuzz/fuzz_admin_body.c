/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of a change: read, or refused with a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "extensions/admin/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char action[TOLL_ADMIN_WORD_MAX + 1] = "", why[TOLL_ADMIN_WORD_MAX + 1] = "";
	bool on = false, given = false;
	const struct toll_admin_member members[] = { { "action", action, NULL, NULL },
		                                     { "why", why, NULL, NULL },
		                                     { "on", NULL, &on, &given },
		                                     { NULL, NULL, NULL, NULL } };
	struct toll_error error = { 0 };

	if (toll_admin_read_body(toll_slice(data, size), members, &error) < 0 && !error.text[0])
		abort();
	if (strlen(action) > TOLL_ADMIN_WORD_MAX || strlen(why) > TOLL_ADMIN_WORD_MAX ||
	    (on && !given))
		abort();
	return 0;
}
