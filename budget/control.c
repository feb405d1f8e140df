/* SPDX-License-Identifier: Apache-2.0 */
#include "budget/control.h"

const char *toll_override_name(enum toll_override o)
{
	static const char *const names[] = { "", "allow", "deny" };

	return names[o == TOLL_OVERRIDE_ALLOW || o == TOLL_OVERRIDE_DENY ? o : 0];
}

enum toll_override toll_override_parse(struct toll_slice text)
{
	if (toll_slice_is(text, "allow"))
		return TOLL_OVERRIDE_ALLOW;
	return toll_slice_is(text, "deny") ? TOLL_OVERRIDE_DENY : TOLL_OVERRIDE_NONE;
}
