/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/scripts.h"

const char *const toll_scripts[TOLL_SCRIPT_COUNT] = {
	[TOLL_SCRIPT_PUBLISH] =
#include "exporters/enforcer/publish.lua.h"
		,
	[TOLL_SCRIPT_COMMIT] =
#include "exporters/enforcer/commit.lua.h"
		,
};
