/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - a configuration at work: host, graphs, signals, reload and the orderly end. Main
 * thread only. */
#ifndef TOLL_CMD_DAEMON_H
#define TOLL_CMD_DAEMON_H

#include "base/error.h"
#include "config/config.h"

/* From the signal to the end of the process at most: Kubernetes kills after 30 s, systemd after 90.
 */
#define TOLL_DAEMON_DRAIN_S 10

struct toll_daemon;
struct toll_host;

/* Builds and starts everything; the configuration stays the caller's. From here on SIGTERM and
 * SIGINT end toll_daemon_wait(). */
int toll_daemon_new(struct toll_config *config, struct toll_daemon **ret,
                    struct toll_error *reterr) TOLL_MUST_CHECK;
/* From here on SIGHUP, and with watch changes of its files, load the configuration anew. source is
 * borrowed until free. */
int toll_daemon_reloads(struct toll_daemon *d, const struct toll_config *config,
                        const struct toll_config_source *source, bool watch) TOLL_MUST_CHECK;
struct toll_host *toll_daemon_host(struct toll_daemon *d);
/* Returns after a signal or toll_host_stop(). */
int toll_daemon_wait(struct toll_daemon *d) TOLL_MUST_CHECK;
/* Drains within TOLL_DAEMON_DRAIN_S, then frees. Meanwhile SIGINT ends the process at once, SIGTERM
 * changes nothing. Always returns NULL; ends the process instead when a thread does not come back
 * from an exporter. */
struct toll_daemon *toll_daemon_free(struct toll_daemon *d);

#endif
