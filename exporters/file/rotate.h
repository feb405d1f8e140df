/* SPDX-License-Identifier: Apache-2.0 */
/* rotate.h - a file that moves aside when it is full: spans.jsonl ->
 * spans-2026-11-21T10-15-00.123.jsonl.
 *
 * What is written between begin and commit is there wholly or not at all: a failure in between is
 * undone by cutting the file back. One thread. Errors are errno values, for the caller's log. */
#ifndef TOLL_EXPORTERS_FILE_ROTATE_H
#define TOLL_EXPORTERS_FILE_ROTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_rotating_file {
	const char *path;
	uint64_t max_bytes;   /* 0: never rotated */
	uint32_t max_backups; /* 0: all are kept */
	int fd;               /* -1: not open */
	bool regular;         /* not a pipe or device: can be cut back and moved */
	uint64_t size, begun; /* bytes; size at begin */
};

/* truncate: what was there before is thrown away. 0 or errno. */
int toll_rotating_open(struct toll_rotating_file *f, bool truncate);
void toll_rotating_close(struct toll_rotating_file *f);

/* Room for so many bytes: rotates first where they would make the file too large. 0 or errno. */
int toll_rotating_begin(struct toll_rotating_file *f, uint64_t expected);
int toll_rotating_write(struct toll_rotating_file *f, const char *bytes,
                        size_t len); /* 0 or errno */
/* Cuts back to where begin was and closes: the next begin opens again, perhaps another file by
 * then. */
void toll_rotating_undo(struct toll_rotating_file *f);

#endif
