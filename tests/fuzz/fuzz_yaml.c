/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration: findings or a configuration that prints and loads again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/config_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load_again(const char *text, size_t len)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config;

	if (toll_config_load_text(toll_slice(text, len), "again", test_types, &config, &findings) <
	    0) {
		toll_findings_print(&findings, stderr);
		fwrite(text, 1, len, stderr);
		abort();
	}
	toll_config_free(config);
	toll_findings_release(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toll_findings findings = { 0 };
	struct toll_config *config = NULL;
	int err;

	/* Reading files is not what is looked at, and some of them never end. */
	if (memmem(data, size, "file", 4))
		return 0;
	err = toll_config_load_text(toll_slice(data, size), "fuzz", test_types, &config, &findings);
	if (!err != (findings.errors == 0) || !err != (config != NULL))
		abort();
	if (!err) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		if (out && toll_config_print(config, NULL, out) == 0 && fclose(out) == 0)
			load_again(text, len);
		free(text);
	}
	toll_config_free(config);
	toll_findings_release(&findings);
	return 0;
}
