/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/provider.h"

#include <stdlib.h>

#include "base/macro.h"

enum { NAME_MAX_LEN = 48 };

static const struct row {
	struct toll_slice name, id;
} rows[] = {
#define TOLL_PROVIDER(name, id) { { name, sizeof(name) - 1 }, { id, sizeof(id) - 1 } },
#include "cost/provider.def"
};

static int compare(const void *key, const void *row)
{
	const struct toll_slice a = *(const struct toll_slice *)key;
	const struct toll_slice b = ((const struct row *)row)->name;
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static size_t before_last_dot(const char *text, size_t len)
{
	while (len && text[len - 1] != '.')
		len--;
	return len ? len - 1 : 0;
}

struct toll_slice toll_provider_id(struct toll_slice name)
{
	char lower[NAME_MAX_LEN];
	struct toll_slice key = { lower, name.len };

	if (name.len > sizeof(lower))
		return (struct toll_slice){ 0 };
	for (size_t i = 0; i < name.len; i++)
		lower[i] = (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] | 0x20
		                                                           : name.ptr[i]);
	for (; key.len; key.len = before_last_dot(lower, key.len)) {
		const struct row *r =
			bsearch(&key, rows, TOLL_COUNT(rows), sizeof(rows[0]), compare);

		if (r)
			return r->id;
	}
	return (struct toll_slice){ 0 };
}
