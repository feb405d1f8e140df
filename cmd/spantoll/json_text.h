/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h - a JSON string to a stream, for the verbs that have --json. */
#ifndef TOLL_CMD_JSON_TEXT_H
#define TOLL_CMD_JSON_TEXT_H

#include <stdio.h>
#include <stdlib.h>

#include "proto/json_write.h"

static inline void toll_json_print_slice(FILE *out, struct toll_slice s)
{
	char *buf = malloc(toll_json_string_bound(s.len));

	if (buf)
		fwrite(buf, 1, (size_t)(toll_json_string(buf, s) - buf), out);
	else
		fputs("null", out);
	free(buf);
}

static inline void toll_json_print(FILE *out, const char *text)
{
	toll_json_print_slice(out, toll_slice_str(text));
}

#endif
