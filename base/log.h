/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - levelled log lines on stderr, rate limited per call site.
 *
 *   2026-11-21T10:15:00.123Z  warn  exporter/kafka  broker is away broker=127.0.0.1:9092
 *   {"level":"warn","ts":"2026-11-21T10:15:00.123Z","component":"exporter/kafka","msg":"..."}
 *
 * Any thread. Control characters in the text are escaped, so that names from the wire cannot forge
 * lines; a line is cut at 2 KiB. Used by components and cmd; base, cost, config, proto never log.
 */
#ifndef TOLL_BASE_LOG_H
#define TOLL_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

enum toll_log_level { TOLL_LOG_DEBUG = 0, TOLL_LOG_INFO, TOLL_LOG_WARN, TOLL_LOG_ERROR };

/* One per call site: the first 10 lines of every 10 s pass, then every 100th (the Collector's
 * sampling; it can be set); what was held back is told with the next line that passes. */
struct toll_log_site {
	_Atomic uint64_t period; /* which tick the count belongs to */
	_Atomic uint64_t count;
	_Atomic uint64_t held;
};

/* Any thread, at any time. */
void toll_log_set_level(enum toll_log_level level);
enum toll_log_level toll_log_level(void);
const char *toll_log_level_name(enum toll_log_level level); /* "debug" */
void toll_log_set_json(bool json);
/* Per tick the first `initial` lines, then every thereafter-th (0: none); tick_ns 0: all lines. */
void toll_log_set_sampling(uint64_t tick_ns, uint64_t initial, uint64_t thereafter);
bool toll_log_parse_level(const char *text, enum toll_log_level *ret);
bool toll_log_enabled(enum toll_log_level level);

/* Tests and `demo`: lines go to sink instead of stderr; NULL goes back. */
void toll_log_set_sink(void (*sink)(void *ctx, const char *line), void *ctx);

void toll_log_write(struct toll_log_site *site, enum toll_log_level level, const char *who,
                    const char *fmt, ...) TOLL_PRINTF(4, 5);

/* who: the component as users name it ("exporter/kafka"), or a part of the program ("config"). */
#define TOLL_LOG_AT(level, who, ...)                                         \
	do {                                                                 \
		static struct toll_log_site site_;                           \
		if (toll_log_enabled(level))                                 \
			toll_log_write(&site_, (level), (who), __VA_ARGS__); \
	} while (0)
#define TOLL_DEBUG(who, ...) TOLL_LOG_AT(TOLL_LOG_DEBUG, who, __VA_ARGS__)
#define TOLL_INFO(who, ...)  TOLL_LOG_AT(TOLL_LOG_INFO, who, __VA_ARGS__)
#define TOLL_WARN(who, ...)  TOLL_LOG_AT(TOLL_LOG_WARN, who, __VA_ARGS__)
#define TOLL_FAULT(who, ...) TOLL_LOG_AT(TOLL_LOG_ERROR, who, __VA_ARGS__)

#endif
