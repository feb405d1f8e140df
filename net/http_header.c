/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_header.h"

#include <strings.h>

#include "base/macro.h"

bool toll_http_is_header_name(struct toll_slice name)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.len; i++)
		if (!name.ptr[i] || !strchr(legal, name.ptr[i]))
			return false;
	return name.len > 0;
}

bool toll_http_is_header_value(struct toll_slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x20 || value.ptr[i] > 0x7e)
			return false;
	return true;
}

bool toll_http_is_framing_header(struct toll_slice name)
{
	static const char *const framing[] = { "content-type",   "content-encoding",
		                               "content-length", "transfer-encoding",
		                               "connection",     "expect" };

	for (size_t i = 0; i < TOLL_COUNT(framing); i++)
		if (name.len == strlen(framing[i]) &&
		    strncasecmp(name.ptr, framing[i], name.len) == 0)
			return true;
	return false;
}
