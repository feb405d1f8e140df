/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/findings_json.h"

#include "cmd/spantoll/json_text.h"

static void print_finding(const struct toll_finding *f)
{
	printf("{\"severity\":\"%s\",\"file\":", toll_severity_text(f->severity));
	toll_json_print(stdout, f->file);
	printf(",\"line\":%u,\"column\":%u,\"path\":", f->line, f->column);
	toll_json_print(stdout, f->path);
	fputs(",\"text\":", stdout);
	toll_json_print(stdout, f->text);
	putchar('}');
}

void toll_findings_json(const struct toll_findings *findings)
{
	printf("{\"valid\":%s,\"truncated\":%s,\"findings\":[", findings->errors ? "false" : "true",
	       findings->truncated ? "true" : "false");
	for (size_t i = 0; i < findings->count; i++) {
		fputs(i ? ",\n" : "\n", stdout);
		print_finding(&findings->at[i]);
	}
	fputs("]}\n", stdout);
}
