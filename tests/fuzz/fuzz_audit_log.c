/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of the audit log: what the log goes on with, verify takes as well; a line
 * that is whole is written the same way again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget/audit_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/spantoll-fuzz-audit-XXXXXX", path[64];

static void tidy(void)
{
	char name[80];

	unlink(path);
	snprintf(name, sizeof(name), "%s.lock", path);
	unlink(name);
	rmdir(folder);
}

static void begin(void)
{
	if (path[0])
		return;
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/audit", folder);
	atexit(tidy);
}

static void read_line(struct toll_slice line)
{
	static const size_t begin_len = sizeof("{\"seq\":") - 1;
	char again[TOLL_AUDIT_LINE_MAX], object[TOLL_AUDIT_LINE_MAX];
	struct toll_audit_link before, own, same;
	size_t head, tail = sizeof(",\"hash\":\"\"}") - 1 + TOLL_AUDIT_HASH;
	int len;

	if (line.len > TOLL_AUDIT_OBJECT_MAX || toll_audit_line_read(line, &before, &own))
		return;
	head = begin_len + (size_t)snprintf(NULL, 0, "%llu", (unsigned long long)own.seq) +
	       sizeof(",\"prev\":\"\"") - 1 + TOLL_AUDIT_HASH;
	if (line.len <= head + tail || line.ptr[head] != ',')
		return;
	len = snprintf(object, sizeof(object), "{%.*s}", (int)(line.len - head - tail - 1),
	               line.ptr + head + 1);
	if (toll_audit_line_write(&before, toll_slice(object, (size_t)len), again, &same) < 0)
		return; /* control characters */
	if (strncmp(again, line.ptr, line.len) != 0 || strcmp(same.hash, own.hash) != 0)
		abort();
}

static void read_file(const uint8_t *data, size_t size)
{
	const struct toll_audit_config conf = { .path = toll_slice_str(path) };
	struct toll_audit_report before, after;
	struct toll_audit_log *log;
	FILE *f = fopen(path, "w");

	if (!f || (size && fwrite(data, 1, size, f) != size) || fclose(f))
		abort();
	if (toll_audit_verify(path, &before, NULL) < 0 || toll_audit_log_new(&conf, &log, NULL) < 0)
		abort();
	if (toll_audit_log_append(log, TOLL_SLICE("{\"a\":1}"), NULL) == 0 && !before.broken) {
		if (toll_audit_verify(path, &after, NULL) < 0 || after.broken ||
		    after.lines != before.lines + 1)
			abort();
	}
	toll_audit_log_free(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	read_line(toll_slice(data, size));
	read_file(data, size);
	return 0;
}
