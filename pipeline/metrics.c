/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct toll_metrics_writer *w, const char *bytes, size_t len)
{
	size_t room = w->room ? w->room : 4096;
	char *text;

	if (w->failed)
		return;
	while (room - w->len <= len)
		room *= 2;
	if (room != w->room) {
		text = realloc(w->text, room);
		if (!text) {
			w->failed = 1;
			return;
		}
		w->text = text;
		w->room = room;
	}
	memcpy(w->text + w->len, bytes, len);
	w->len += len;
	w->text[w->len] = '\0';
}

static void append_str(struct toll_metrics_writer *w, const char *text)
{
	append(w, text, strlen(text));
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of one well-formed UTF-8 character at the start of s; 0: malformed. */
static size_t utf8_len(struct toll_slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (len == 0 || p[0] > 0xf4 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!is_continuation(s.ptr[i]))
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* Backslash, quote (in label values) and newline are escaped; bytes that are no UTF-8 become
 * U+FFFD, since one bad name would make the scraper refuse the whole page. */
static void append_escaped(struct toll_metrics_writer *w, struct toll_slice s, bool quotes)
{
	while (s.len) {
		size_t n = utf8_len(s);

		if (n == 0) {
			append_str(w, "\xef\xbf\xbd");
			n = 1;
		} else if (*s.ptr == '\\') {
			append_str(w, "\\\\");
		} else if (*s.ptr == '\n') {
			append_str(w, "\\n");
		} else if (*s.ptr == '"' && quotes) {
			append_str(w, "\\\"");
		} else {
			append(w, s.ptr, n);
		}
		s = toll_slice(s.ptr + n, s.len - n);
	}
}

/* Dashboards and autoscalers know these under exactly these names, whatever the suffix says. */
static const char *const fixed_names[] = { "otel_collector_received_spans",
	                                   "cost_total_usd",
	                                   "cost_by_feature_usd",
	                                   "cost_per_service",
	                                   "cost_per_commit",
	                                   "cost_per_subject" };

static bool is_fixed(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < TOLL_COUNT(fixed_names); i++)
		if (strcmp(name, fixed_names[i]) == 0)
			return true;
	return len > 6 && strcmp(name + len - 6, "_total") == 0;
}

static void append_name(struct toll_metrics_writer *w)
{
	append_str(w, w->family);
	if (w->type_suffix && w->type == TOLL_METRIC_COUNTER && !is_fixed(w->family))
		append_str(w, "_total");
	if (w->part)
		append_str(w, w->part);
}

static const char *type_text(enum toll_metric_type type)
{
	static const char *const texts[] = { [TOLL_METRIC_COUNTER] = "counter",
		                             [TOLL_METRIC_GAUGE] = "gauge",
		                             [TOLL_METRIC_HISTOGRAM] = "histogram" };

	return texts[type];
}

static void write_head(struct toll_metrics_writer *w, const char *help)
{
	append_str(w, "# HELP ");
	append_name(w);
	append_str(w, " ");
	append_escaped(w, toll_slice_str(help), false);
	append_str(w, "\n# TYPE ");
	append_name(w);
	append_str(w, " ");
	append_str(w, type_text(w->type));
	append_str(w, "\n");
}

static void reverse(char *at, char *end)
{
	while (at < --end) {
		char c = *at;

		*at++ = *end;
		*end = c;
	}
}

/* The family that begins there goes to the end, to go on. */
static void move_to_end(struct toll_metrics_writer *w, char *begin)
{
	char *next = strstr(begin, "\n# HELP "), *end = w->text + w->len;

	if (!next)
		return;
	next++;
	reverse(begin, next);
	reverse(next, end);
	reverse(begin, end);
}

void toll_metrics_family(struct toll_metrics_writer *w, const char *name,
                         enum toll_metric_type type, const char *help)
{
	size_t start = w->len;
	char *before;

	w->family = name;
	w->type = type;
	w->part = NULL;
	write_head(w, help);
	before = w->failed ? NULL : memmem(w->text, start, w->text + start, w->len - start);
	if (!before)
		return;
	w->len = start;
	w->text[start] = '\0';
	move_to_end(w, before);
}

void toll_metrics_part(struct toll_metrics_writer *w, const char *part)
{
	w->part = part;
}

void toll_metrics_sample_text(struct toll_metrics_writer *w, const struct toll_label *labels,
                              size_t label_count, struct toll_slice value)
{
	append_name(w);
	for (size_t i = 0; i < label_count; i++) {
		append_str(w, i ? "," : "{");
		append_str(w, labels[i].name);
		append_str(w, "=\"");
		append_escaped(w, labels[i].value, true);
		append_str(w, "\"");
	}
	append_str(w, label_count ? "} " : " ");
	append(w, value.ptr, value.len);
	append_str(w, "\n");
}

void toll_metrics_sample(struct toll_metrics_writer *w, const struct toll_label *labels,
                         size_t label_count, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	toll_metrics_sample_text(w, labels, label_count, toll_slice(text, (size_t)n));
}

void toll_metrics_release(struct toll_metrics_writer *w)
{
	free(w->text);
	*w = (struct toll_metrics_writer){ .type_suffix = w->type_suffix };
}
