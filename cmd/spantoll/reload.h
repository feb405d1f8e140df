/* SPDX-License-Identifier: Apache-2.0 */
/* reload.h - a changed configuration takes over while spans flow; a wrong one changes nothing and
 * is told. Main thread. */
#ifndef TOLL_CMD_RELOAD_H
#define TOLL_CMD_RELOAD_H

#include <stdbool.h>

#include "config/config.h"

struct toll_generations;
struct toll_host;
struct toll_reload;

/* config: what runs, to be watched and shown. source is borrowed until free. watch: also when a
 * file changes, not only when asked. NULL: out of memory. */
struct toll_reload *toll_reload_new(struct toll_host *h, struct toll_generations *gs,
                                    const struct toll_config *config,
                                    const struct toll_config_source *source, bool watch);
struct toll_reload *toll_reload_free(struct toll_reload *r); /* always returns NULL */

/* Loads and takes over now, or as soon as there is room for one more graph. */
void toll_reload_now(struct toll_reload *r);
/* A graph has retired: what had to wait may go on. */
void toll_reload_go_on(struct toll_reload *r);

#endif
