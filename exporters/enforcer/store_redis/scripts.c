/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/store_redis/scripts.h"

const char *const toll_scripts[TOLL_SCRIPT_COUNT] = {
	[TOLL_SCRIPT_PUBLISH] =
#include "exporters/enforcer/store_redis/publish.lua.h"
		,
	[TOLL_SCRIPT_COMMIT] =
#include "exporters/enforcer/store_redis/commit.lua.h"
		,
	[TOLL_SCRIPT_OWNER] =
#include "exporters/enforcer/store_redis/owner.lua.h"
		,
};
