/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/made_config.h"

#include <stdlib.h>

#include "cmd/spantoll/setup.h"

void toll_yaml_put(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'' || *text == '$')
			fputc(*text, out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void write_yaml(FILE *out, const struct toll_option_list *prices, const char *exporters,
                       const char *exporter)
{
	fprintf(out,
	        "receivers: {otlp: {protocols: {grpc: }}}\nprocessors: {pricing: , cost: }\n"
	        "exporters:\n%sextensions:\n  pricebook:\n    catalogue: true\n",
	        exporters);
	for (size_t i = 0; i < prices->count; i++) {
		fprintf(out, "%s      - ", i ? "" : "    files:\n");
		toll_yaml_put(out, prices->at[i]);
		fputc('\n', out);
	}
	fprintf(out,
	        "service:\n  extensions: [pricebook]\n  pipelines:\n    traces: {receivers: "
	        "[otlp], processors: [pricing, cost], exporters: [%s]}\n",
	        exporter);
}

int toll_made_config(const struct toll_option_list *prices, const char *exporters,
                     const char *exporter, const char *name, struct toll_config **ret)
{
	struct toll_findings findings = { 0 };
	char *yaml = NULL;
	size_t len;
	FILE *out = open_memstream(&yaml, &len);
	int err;

	if (!out)
		return TOLL_EXIT_FAILED;
	write_yaml(out, prices, exporters, exporter);
	if (fclose(out)) {
		free(yaml);
		return TOLL_EXIT_FAILED;
	}
	err = toll_setup_load_text(toll_slice(yaml, len), name, ret, &findings);
	toll_setup_explain(&findings);
	toll_findings_release(&findings);
	free(yaml);
	return err < 0 ? TOLL_EXIT_CONFIG : TOLL_EXIT_OK;
}
