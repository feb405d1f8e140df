/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/screen.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "cmd/spantoll/live_table.h"
#include "cmd/spantoll/options.h"

#define PLAIN_EVERY_S  5
#define EVENTS_SHOWN   3
#define UNPRICED_SHOWN 2
#define LOG_LINES      8
#define LOG_LINE_MAX   160

#define ENTER_SCREEN "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE_SCREEN "\033[?25h\033[?1049l"

struct toll_screen {
	struct toll_screen_settings set;
	struct toll_live *live;
	struct toll_live_style style;
	pthread_t thread;
	bool running, took_terminal;
	uint64_t events_shown;
	uint32_t ticks;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool stop;
	char lines[LOG_LINES][LOG_LINE_MAX]; /* logged, not yet events; the rest is not shown */
	uint32_t line_count;
};

enum toll_screen_mode toll_screen_detect(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 ? TOLL_SCREEN_LIVE
	                                                                  : TOLL_SCREEN_PLAIN;
}

/* ---- the log while the terminal is ours ---- */

/* Any thread. The enforcer's own line is left out: the table tells the same. */
static void keep_log_line(void *ctx, const char *line)
{
	struct toll_screen *s = ctx;

	if (strstr(line, "[COST_ENFORCEMENT]"))
		return;
	pthread_mutex_lock(&s->lock);
	if (s->line_count < LOG_LINES)
		snprintf(s->lines[s->line_count++], LOG_LINE_MAX, "%s", line);
	pthread_mutex_unlock(&s->lock);
}

static void log_lines_become_events(struct toll_screen *s)
{
	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < s->line_count; i++) {
		const char *text = strchr(s->lines[i], ' '); /* after the time */

		toll_live_event(s->live, "%s", text ? text + strspn(text, " ") : s->lines[i]);
	}
	s->line_count = 0;
	pthread_mutex_unlock(&s->lock);
}

/* ---- a frame ---- */

/* Stdout may be a slow terminal or a pipe; a reader that went away is no fault of ours. */
static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
			struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&p, 1, 100);
			continue;
		}
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* A line cut at the terminal's width; what was there before it is cleared. */
static void put_line(FILE *out, const struct toll_live_style *style, const char *fmt, ...)
	TOLL_PRINTF(3, 4);

static void put_line(FILE *out, const struct toll_live_style *style, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fprintf(out, "%.*s\033[K\r\n", (int)style->width, line);
}

static void put_event(FILE *out, const struct toll_live_style *style,
                      const struct toll_live_event *e)
{
	char time[16];

	put_line(out, style, "%s  %s", toll_live_time(e->wall_ns, time), e->text);
}

static void print_title(const struct toll_screen *s, char *buf, size_t size)
{
	const struct toll_live *l = s->live;
	uint64_t up_s = (l->now_mono_ns - l->first_mono_ns) / TOLL_S;
	char total[32], hour[32];

	snprintf(buf, size, "%s  %02" PRIu64 ":%02" PRIu64 "  %" PRIu64 " spans  %s spent  %s/h",
	         s->set.title, up_s / 60, up_s % 60, l->total.spans,
	         toll_live_usd(l->total.total_pico, total, sizeof(total)),
	         toll_live_usd(l->total.per_hour_pico, hour, sizeof(hour)));
}

/* The services that have spans without a price, if there are any; the first few by name. */
static bool print_unpriced(const struct toll_live *l, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "no price:");
	uint32_t services = 0;

	for (uint32_t i = 0; i < l->row_count; i++) {
		const struct toll_live_row *r = &l->rows[i];

		if (r->unpriced && services++ < UNPRICED_SHOWN && len < size)
			len += (size_t)snprintf(buf + len, size - len,
			                        "%s %.32s (%" PRIu64 " spans)",
			                        services > 1 ? "," : "", r->service, r->unpriced);
	}
	if (services > UNPRICED_SHOWN && len < size)
		snprintf(buf + len, size - len, " and %u more", services - UNPRICED_SHOWN);
	for (char *c = buf; *c; c++) /* names come from the wire */
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	return services > 0;
}

static void measure(struct toll_live_style *style, unsigned *ret_lines)
{
	struct winsize w = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		w = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	style->width = w.ws_col;
	*ret_lines = w.ws_row;
}

static unsigned count_footer(const struct toll_screen *s)
{
	unsigned n = 0;

	while (s->set.footer[n])
		n++;
	return n;
}

static void put_table(FILE *out, const struct toll_live *l, const struct toll_live_style *style)
{
	char *text = toll_live_table_text(l, style), *save = NULL;

	if (!text)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		fprintf(out, "%s\033[K\r\n", line);
	free(text);
}

static void put_events(FILE *out, const struct toll_live *l, const struct toll_live_style *style,
                       unsigned most)
{
	uint64_t first = l->event_count > most ? l->event_count - most : 0;

	for (uint64_t i = first; i < l->event_count; i++)
		put_event(out, style, &l->events[i % TOLL_LIVE_EVENTS]);
}

static void print_frame(struct toll_screen *s, FILE *out)
{
	struct toll_live *l = s->live;
	char title[256], unpriced[256];
	bool any_unpriced = print_unpriced(l, unpriced, sizeof(unpriced));
	/* title, head of the table, its total, two empty lines */
	unsigned lines, fixed = 5 + any_unpriced + count_footer(s), events = EVENTS_SHOWN;

	measure(&s->style, &lines);
	while (events > 1 && fixed + events + l->row_count > lines)
		events--;
	s->style.max_rows = lines > fixed + events + 3 ? lines - fixed - events : 3;
	print_title(s, title, sizeof(title));
	fputs("\033[H", out);
	put_line(out, &s->style, "%s", title);
	put_table(out, l, &s->style);
	if (any_unpriced)
		put_line(out, &s->style, "%s", unpriced);
	put_line(out, &s->style, " ");
	put_events(out, l, &s->style, events);
	put_line(out, &s->style, " ");
	for (unsigned i = 0; s->set.footer[i]; i++)
		fprintf(out, "%.*s\033[K%s", (int)s->style.width, s->set.footer[i],
		        s->set.footer[i + 1] ? "\r\n" : "");
	fputs("\033[J", out);
}

/* ---- the other modes ---- */

static void print_new_events(struct toll_screen *s, FILE *out)
{
	const struct toll_live *l = s->live;

	if (l->event_count - s->events_shown > TOLL_LIVE_EVENTS)
		s->events_shown = l->event_count - TOLL_LIVE_EVENTS;
	for (; s->events_shown < l->event_count; s->events_shown++) {
		const struct toll_live_event *e = &l->events[s->events_shown % TOLL_LIVE_EVENTS];
		char time[16];

		fprintf(out, "%s  %s\n", toll_live_time(e->wall_ns, time), e->text);
	}
}

static void print_table(struct toll_screen *s, FILE *out)
{
	char *text = toll_live_table_text(s->live, &s->style), line[256];

	print_title(s, line, sizeof(line));
	fprintf(out, "\n%s\n%s\n", line, text ? text : "");
	if (print_unpriced(s->live, line, sizeof(line)))
		fprintf(out, "%s\n", line);
	free(text);
}

static void show(struct toll_screen *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	switch (s->set.mode) {
	case TOLL_SCREEN_LIVE:
		print_frame(s, out);
		break;
	case TOLL_SCREEN_JSON:
		toll_live_json(s->live, s->events_shown, out);
		s->events_shown = s->live->event_count;
		break;
	case TOLL_SCREEN_PLAIN:
		print_new_events(s, out);
		if (s->ticks % PLAIN_EVERY_S == 2)
			print_table(s, out);
		break;
	}
	if (fclose(out) == 0)
		write_all(text, len);
	free(text);
}

/* ---- the thread ---- */

static void sample(struct toll_screen *s)
{
	log_lines_become_events(s);
	if (s->set.tick)
		s->set.tick(s->set.ctx, s->live);
	toll_live_sample(s->live, s->set.source, toll_clock_mono_ns());
}

/* True when it is time to end. */
static bool wait_until(struct toll_screen *s, uint64_t mono_ns)
{
	bool stop;

	pthread_mutex_lock(&s->lock);
	while (!s->stop && toll_cond_wait_until(&s->wake, &s->lock, mono_ns) == 0)
		;
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return stop;
}

static void *run(void *arg)
{
	struct toll_screen *s = arg;
	uint64_t next = toll_clock_mono_ns();

	do {
		sample(s);
		show(s);
		s->ticks++;
		next += TOLL_S;
	} while (!wait_until(s, next));
	sample(s);
	return NULL;
}

struct toll_screen *toll_screen_new(const struct toll_screen_settings *set)
{
	struct toll_screen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	setlocale(LC_CTYPE, "");
	s->set = *set;
	s->style = (struct toll_live_style){ .width = 80,
		                             .colour = toll_colour_wanted(STDOUT_FILENO),
		                             .unicode = MB_CUR_MAX > 1 };
	s->live = toll_live_new();
	if (!s->live || pthread_mutex_init(&s->lock, NULL) || toll_cond_init(&s->wake) < 0)
		goto fail;
	if (set->mode == TOLL_SCREEN_LIVE) {
		s->took_terminal = true;
		toll_log_set_sink(keep_log_line, s);
		write_all(ENTER_SCREEN, sizeof(ENTER_SCREEN) - 1);
	}
	s->running = toll_thread_start(&s->thread, "toll-screen", run, s) == 0;
	if (s->running)
		return s;
	toll_screen_stop(s);
fail:
	toll_live_free(s->live);
	free(s);
	return NULL;
}

void toll_screen_stop(struct toll_screen *s)
{
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
		s->running = false;
	}
	if (s->took_terminal) {
		s->took_terminal = false;
		write_all(LEAVE_SCREEN, sizeof(LEAVE_SCREEN) - 1);
		toll_log_set_sink(NULL, NULL);
	}
}

void toll_screen_summary(struct toll_screen *s)
{
	const struct toll_live *l = s->live;

	if (s->set.mode == TOLL_SCREEN_JSON) {
		toll_live_json(l, s->events_shown, stdout);
		fflush(stdout);
		return;
	}
	s->style.max_rows = 0;
	print_table(s, stdout);
	printf("Seen: %" PRIu64 " throttled, %" PRIu64 " released; %" PRIu64 " of %" PRIu64
	       " spans had no price.\n",
	       l->throttles, l->releases, l->total.unpriced, l->total.spans);
	fflush(stdout);
}

struct toll_screen *toll_screen_free(struct toll_screen *s)
{
	if (!s)
		return NULL;
	toll_screen_stop(s);
	toll_live_free(s->live);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}
