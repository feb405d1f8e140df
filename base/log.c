/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 2048
/* Every byte may need six in JSON. */
#define JSON_MAX_BYTES (6 * LINE_MAX_BYTES)

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static _Atomic int threshold = TOLL_LOG_INFO;
static atomic_bool as_json;
static _Atomic uint64_t tick = 10 * TOLL_S, first_lines = 10, then_every = 100;

static void to_stderr(void *ctx TOLL_UNUSED, const char *line)
{
	size_t len = strlen(line);
	char text[JSON_MAX_BYTES + 1];

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

void toll_log_set_json(bool json)
{
	atomic_store_explicit(&as_json, json, memory_order_relaxed);
}

void toll_log_set_sampling(uint64_t tick_ns, uint64_t initial, uint64_t thereafter)
{
	atomic_store_explicit(&tick, tick_ns, memory_order_relaxed);
	atomic_store_explicit(&first_lines, initial, memory_order_relaxed);
	atomic_store_explicit(&then_every, thereafter, memory_order_relaxed);
}

/* Is the n-th line of its tick, from 0, one of those that are written? */
static bool is_sampled(uint64_t n)
{
	uint64_t first = atomic_load_explicit(&first_lines, memory_order_relaxed);
	uint64_t every = atomic_load_explicit(&then_every, memory_order_relaxed);

	return n < first || (every && (n - first) % every == every - 1);
}

/* May this line pass? *ret_held: how many did not since the last one that did. */
static bool passes(struct toll_log_site *site, uint64_t *ret_held)
{
	uint64_t length = atomic_load_explicit(&tick, memory_order_relaxed);
	uint64_t period = length ? toll_clock_mono_ns() / length + 1 : 1;
	uint64_t n;

	if (atomic_exchange_explicit(&site->period, period, memory_order_relaxed) != period)
		atomic_store_explicit(&site->count, 0, memory_order_relaxed);
	n = atomic_fetch_add_explicit(&site->count, 1, memory_order_relaxed);
	if (length && !is_sampled(n)) {
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

/* Continuation bytes that must follow this first byte; -1: no character begins with it. */
static int utf8_follow(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c < 0xc2 || c > 0xf4)
		return -1;
	return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

/* Bytes of the well-formed character at s; 0: none. */
static int utf8_len(const char *s)
{
	unsigned char c = (unsigned char)s[0], next = c ? (unsigned char)s[1] : 0;
	int follow = utf8_follow(c);

	for (int i = 1; i <= follow; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
	    (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
		return 0;
	return follow + 1;
}

/* text has no control characters any more; bytes that are no UTF-8 become '?'. */
static char *put_json(char *out, const char *name, const char *text)
{
	out = stpcpy(out, out[-1] == '{' ? "\"" : ",\"");
	out = stpcpy(stpcpy(out, name), "\":\"");
	while (*text) {
		int len = utf8_len(text);

		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		if (len)
			memcpy(out, text, (size_t)len);
		else
			*out = '?';
		out += len ? len : 1;
		text += len ? len : 1;
	}
	*out++ = '"';
	return out;
}

static void write_json(const char *level, const char *when, const char *who, const char *text)
{
	char line[JSON_MAX_BYTES], *end = line;

	*end++ = '{';
	end = put_json(end, "level", level);
	end = put_json(end, "ts", when);
	end = put_json(end, "component", who);
	end = put_json(end, "msg", text);
	*end++ = '}';
	*end = '\0';
	sink_fn(sink_ctx, line);
}

static void write_text(const char *level, const char *when, const char *who, const char *text)
{
	char line[LINE_MAX_BYTES];

	int n = snprintf(line, sizeof(line), "%s  %-5s  %s  ", when, level, who);

	snprintf(line + n, sizeof(line) - (size_t)n, "%.*s", (int)sizeof(line) - n - 1, text);
	sink_fn(sink_ctx, line);
}

void toll_log_write(struct toll_log_site *site, enum toll_log_level level, const char *who,
                    const char *fmt, ...)
{
	char text[LINE_MAX_BYTES], name[LINE_MAX_BYTES / 2], when[32];
	uint64_t held;
	va_list ap;
	int n;

	if (!passes(site, &held))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (held && n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, " (held back %llu such lines)",
		         (unsigned long long)held);
	snprintf(name, sizeof(name), "%s", who);
	escape(text);
	escape(name);
	toll_clock_rfc3339(toll_clock_wall_ns(), 1, when, sizeof(when));
	if (atomic_load_explicit(&as_json, memory_order_relaxed))
		write_json(level_names[level], when, name, text);
	else
		write_text(level_names[level], when, name, text);
}
