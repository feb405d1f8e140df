/* SPDX-License-Identifier: Apache-2.0 */
/* file_watch.h - tells when a small file has changed: by its size, time or inode, once a second.
 *
 * Main thread only. A name that points elsewhere now (Kubernetes swaps a link) is a change too. */
#ifndef TOLL_PIPELINE_FILE_WATCH_H
#define TOLL_PIPELINE_FILE_WATCH_H

#include "base/macro.h"

struct toll_host;
struct toll_file_watch;

/* changed(ctx) after a change; not for what the file is now. path is borrowed. NULL: out of memory.
 */
struct toll_file_watch *toll_file_watch_new(struct toll_host *h, const char *path,
                                            void (*changed)(void *ctx), void *ctx);
struct toll_file_watch *toll_file_watch_free(struct toll_file_watch *w); /* returns NULL */

#endif
