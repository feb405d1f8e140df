/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - has what a configuration was read from changed? A mounted ConfigMap changes by a link
 * (..data) that points to a new directory: directories are watched, contents compared. Main thread.
 */
#ifndef TOLL_CMD_WATCH_H
#define TOLL_CMD_WATCH_H

#include "config/config.h"

struct toll_config_watch;
struct toll_host;

/* changed(ctx): the files say something else than at the last note or follow, and have been quiet
 * for a moment. NULL: out of memory. The other functions take NULL: nothing is watched. */
struct toll_config_watch *toll_config_watch_new(struct toll_host *h, void (*changed)(void *ctx),
                                                void *ctx);
/* From now on the files that config was read from; a change since then counts. What cannot be
 * watched is told in the log. */
void toll_config_watch_follow(struct toll_config_watch *w, const struct toll_config *config);
/* What the files say now is known: call before they are read. */
void toll_config_watch_note(struct toll_config_watch *w);
void toll_config_watch_free(struct toll_config_watch *w);

#endif
