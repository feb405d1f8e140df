/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/factory.h"

#include <string.h>

const char *toll_kind_name(enum toll_kind kind)
{
	static const char *const names[] = { "receiver", "processor", "exporter", "connector",
		                             "extension" };

	return names[kind];
}

const struct toll_factory *toll_factory_find(const struct toll_factory *const list[],
                                             enum toll_kind kind, const char *type)
{
	for (; *list; list++)
		if ((*list)->kind == kind &&
		    (strcmp((*list)->type, type) == 0 ||
		     ((*list)->alias && strcmp((*list)->alias, type) == 0)))
			return *list;
	return NULL;
}
