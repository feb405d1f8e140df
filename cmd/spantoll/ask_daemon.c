/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/ask_daemon.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/http_client.h"

int toll_ask_daemon(const char *endpoint, const char *page, char **ret, size_t *ret_len,
                    struct toll_error *reterr)
{
	char url[1024];
	struct toll_http_get get = { .url = url,
		                     .timeout_ns = 5 * TOLL_S,
		                     .max_bytes = (size_t)64 << 20 };

	snprintf(url, sizeof(url), "%s%s%s", strstr(endpoint, "://") ? "" : "http://", endpoint,
	         page);
	return toll_http_get(&get, ret, ret_len, reterr);
}
