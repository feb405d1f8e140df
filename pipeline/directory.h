/* SPDX-License-Identifier: Apache-2.0 */
/* directory.h - directories that are still there after a power loss. */
#ifndef TOLL_PIPELINE_DIRECTORY_H
#define TOLL_PIPELINE_DIRECTORY_H

#include <sys/types.h>

#include "base/macro.h"

/* Makes the directory and what is missing above it; its name is durable afterwards, also where
 * somebody else had made it. parents: false: the one above must be there. 0 or a negative errno;
 * waits for the disk. */
int toll_directory_make(const char *path, mode_t mode, int parents) TOLL_MUST_CHECK;

#endif
