/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h - a folder of a test's own, and one file in it. */
#ifndef TOLL_TESTS_FOLDER_H
#define TOLL_TESTS_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], path[96];

static inline int folder_make(const char *file)
{
	snprintf(folder, sizeof(folder), "/tmp/spantoll-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return 0;
}

/* Calls fn, which may be NULL, for every name in the folder; returns how many there are. */
static inline unsigned each_name(void (*fn)(const char *name))
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			n++;
			if (fn)
				fn(e->d_name);
		}
	if (d)
		closedir(d);
	return n;
}

static inline void remove_name(const char *name)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", folder, name);
	unlink(full);
}

static inline int folder_remove(void)
{
	each_name(remove_name);
	return rmdir(folder);
}

#endif
