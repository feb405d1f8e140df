/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c - what is wrong with a configuration, collected, ordered and printed. */
#include <stdarg.h>
#include <stdlib.h>

#include "config/config.h"

#define FINDINGS_MAX 100
#define FILES_MAX    256 /* more are not told apart when sorting */
#define TEXT_LIMIT   ((size_t)1024 * 1024)

void toll_findings_release(struct toll_findings *f)
{
	toll_arena_release(&f->arena);
	*f = (struct toll_findings){ 0 };
}

static bool is_ready(struct toll_findings *f)
{
	if (!f->at) {
		toll_arena_init(&f->arena, TEXT_LIMIT);
		f->at = toll_arena_new(&f->arena, struct toll_finding, FINDINGS_MAX);
		f->files = toll_arena_new(&f->arena, const char *, FILES_MAX);
	}
	return f->at && f->files;
}

/* Where among the files, by name; file_count when it is not there. */
static size_t rank_of(const struct toll_findings *f, const char *file)
{
	size_t i = 0;

	while (i < f->file_count && strcmp(f->files[i], file) != 0)
		i++;
	return i;
}

/* A copy that lives as long as the findings, the same for the same name. */
static const char *keep_file(struct toll_findings *f, const char *file)
{
	size_t i = rank_of(f, file);
	const char *copy;

	if (i < f->file_count)
		return f->files[i];
	copy = toll_arena_strdup(&f->arena, toll_slice_str(file));
	if (copy && f->file_count < FILES_MAX)
		f->files[f->file_count++] = copy;
	return copy ? copy : "";
}

void toll_findings_know_file(struct toll_findings *f, const char *file)
{
	if (is_ready(f))
		keep_file(f, file);
}

const char *toll_severity_text(enum toll_severity severity)
{
	static const char *const texts[] = { "info", "warning", "error" };

	return texts[severity];
}

/* Where the next finding goes: NULL when there is no place for it. */
static struct toll_finding *slot_for(struct toll_findings *f, enum toll_severity severity)
{
	if (!is_ready(f))
		return NULL;
	if (f->count < FINDINGS_MAX)
		return &f->at[f->count++];
	f->truncated = true;
	/* An error matters more than what is none. */
	for (size_t i = f->count; severity == TOLL_FINDING_ERROR && i-- > 0;)
		if (f->at[i].severity != TOLL_FINDING_ERROR)
			return &f->at[i];
	return NULL;
}

static const char *format(struct toll_findings *f, const char *fmt, va_list ap) TOLL_PRINTF(2, 0);

static const char *format(struct toll_findings *f, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	return toll_arena_strdup(&f->arena, toll_slice_str(text));
}

void toll_findings_add(struct toll_findings *f, enum toll_severity severity, struct toll_place at,
                       const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	toll_findings_vadd(f, severity, at, path, fmt, ap);
	va_end(ap);
}

void toll_findings_vadd(struct toll_findings *f, enum toll_severity severity, struct toll_place at,
                        const char *path, const char *fmt, va_list ap)
{
	struct toll_finding *new = slot_for(f, severity);
	const char *text, *path_copy;

	if (severity == TOLL_FINDING_ERROR)
		f->errors++;
	if (!new)
		return;
	text = format(f, fmt, ap);
	path_copy = toll_arena_strdup(&f->arena, toll_slice_str(path));
	*new = (struct toll_finding){
		severity,  keep_file(f, at.file ? at.file : ""), at.line,
		at.column, path_copy ? path_copy : "",           text ? text : "out of memory"
	};
}

static bool comes_before(const struct toll_findings *f, const struct toll_finding *a,
                         const struct toll_finding *b)
{
	size_t left = rank_of(f, a->file), right = rank_of(f, b->file);

	if (left != right)
		return left < right;
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void toll_findings_sort(struct toll_findings *f)
{
	/* Stable, and there are at most a hundred. */
	for (size_t i = 1; i < f->count; i++) {
		struct toll_finding x = f->at[i];
		size_t j = i;

		for (; j > 0 && comes_before(f, &x, &f->at[j - 1]); j--)
			f->at[j] = f->at[j - 1];
		f->at[j] = x;
	}
}

/* Keys and values come from a file that somebody sent: no control bytes to the terminal. */
static void print_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void print_one(const struct toll_finding *x, bool colour, FILE *out)
{
	static const char *const colours[] = { "\033[1;36m", "\033[1;33m", "\033[1;31m" };

	print_text(out, x->file);
	if (x->line)
		fprintf(out, ":%u:%u", x->line, x->column);
	fprintf(out, ": %s%s:%s ", colour ? colours[x->severity] : "",
	        toll_severity_text(x->severity), colour ? "\033[0m" : "");
	print_text(out, x->path);
	if (*x->path)
		fputs(": ", out);
	print_text(out, x->text);
	fputc('\n', out);
}

static void print_all(const struct toll_findings *f, bool colour, FILE *out)
{
	for (size_t i = 0; i < f->count; i++)
		print_one(&f->at[i], colour, out);
	if (f->truncated)
		fprintf(out, "... and more: only %d are shown\n", FINDINGS_MAX);
}

void toll_findings_print(const struct toll_findings *f, FILE *out)
{
	print_all(f, false, out);
}

void toll_findings_print_coloured(const struct toll_findings *f, FILE *out)
{
	print_all(f, true, out);
}
