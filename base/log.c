/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 2048
#define PERIOD_NS      (10 * TOLL_S)
#define FIRST_LINES    10
#define THEN_EVERY     100

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static _Atomic int threshold = TOLL_LOG_INFO;

static void to_stderr(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len = strlen(line);
	char text[LINE_MAX_BYTES + 1];

	memcpy(text, line, len);
	text[len++] = '\n';
	/* One write, so that lines of several threads do not mix. Nobody to tell if it fails. */
	if (write(STDERR_FILENO, text, len) < 0)
		return;
}

static void (*sink_fn)(void *ctx, const char *line) = to_stderr;
static void *sink_ctx;

void toll_log_set_level(enum toll_log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum toll_log_level toll_log_level(void)
{
	return (enum toll_log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

const char *toll_log_level_name(enum toll_log_level level)
{
	return level_names[level];
}

bool toll_log_enabled(enum toll_log_level level)
{
	return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

bool toll_log_parse_level(const char *text, enum toll_log_level *ret)
{
	for (size_t i = 0; i < TOLL_COUNT(level_names); i++)
		if (strcmp(text, level_names[i]) == 0) {
			*ret = (enum toll_log_level)i;
			return true;
		}
	return false;
}

void toll_log_set_sink(void (*sink)(void *ctx, const char *line), void *ctx)
{
	sink_fn = sink ? sink : to_stderr;
	sink_ctx = ctx;
}

/* May this line pass? *ret_held: how many did not since the last one that did. */
static bool passes(struct toll_log_site *site, uint64_t *ret_held)
{
	uint64_t period = toll_clock_mono_ns() / PERIOD_NS + 1;
	uint64_t n;

	if (atomic_exchange_explicit(&site->period, period, memory_order_relaxed) != period)
		atomic_store_explicit(&site->count, 0, memory_order_relaxed);
	n = atomic_fetch_add_explicit(&site->count, 1, memory_order_relaxed);
	if (n >= FIRST_LINES && (n - FIRST_LINES) % THEN_EVERY != THEN_EVERY - 1) {
		atomic_fetch_add_explicit(&site->held, 1, memory_order_relaxed);
		return false;
	}
	*ret_held = atomic_exchange_explicit(&site->held, 0, memory_order_relaxed);
	return true;
}

static void escape(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			*line = '?';
}

void toll_log_write(struct toll_log_site *site, enum toll_log_level level, const char *who,
                    const char *fmt, ...)
{
	char line[LINE_MAX_BYTES], when[32];
	uint64_t held;
	va_list ap;
	int n;

	if (!passes(site, &held))
		return;
	n = snprintf(line, sizeof(line), "%s  %-5s  %s  ",
	             toll_clock_rfc3339(toll_clock_wall_ns(), 1, when, sizeof(when)),
	             level_names[level], who);
	if (n < 0 || (size_t)n >= sizeof(line))
		return;
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	if (held && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n, " (held back %llu such lines)",
		         (unsigned long long)held);
	escape(line);
	sink_fn(sink_ctx, line);
}
