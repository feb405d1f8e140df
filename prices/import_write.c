/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/import_write.h"

#include <stdint.h>
#include <strings.h>

#include "base/macro.h"
#include "base/utf8.h"

enum { LONGEST = 255 }; /* bytes of an id, a field or a text */

/* ---- texts ---- */

static bool is_plain_byte(char c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

	return letter || (!first && ((c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-'));
}

/* Some plain words are no texts in YAML. */
static bool is_plain(struct toll_slice s)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no",
		                             "on",   "off",  "y",     "n" };

	for (size_t i = 0; i < TOLL_COUNT(words); i++)
		if (s.len == strlen(words[i]) && strncasecmp(s.ptr, words[i], s.len) == 0)
			return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_plain_byte(s.ptr[i], i == 0))
			return false;
	return s.len > 0;
}

static uint32_t code_point(const char *at, size_t len)
{
	static const uint8_t first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (uint8_t)at[0] & first[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((uint8_t)at[i] & 0x3f);
	return c;
}

/* YAML takes these for the end of a line, or not at all. */
static bool needs_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

/* Returns the bytes it took. What is no UTF-8 becomes U+FFFD. */
static size_t put_character(FILE *out, const char *at, size_t left)
{
	size_t len = (uint8_t)*at < 0x80 ? 1 : toll_utf8_length((const uint8_t *)at, left);
	uint32_t c = len ? code_point(at, len) : 0xfffd;

	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", (int)c);
	else if (!len || needs_escape(c))
		fprintf(out, "\\u%04x", c);
	else
		fwrite(at, 1, len, out);
	return len ? len : 1;
}

/* As JSON does: every YAML reader takes it. */
static void put_text(FILE *out, struct toll_slice s)
{
	if (is_plain(s)) {
		fprintf(out, "%.*s", TOLL_FMT(s));
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < s.len;)
		i += put_character(out, s.ptr + i, s.len - i);
	fputc('"', out);
}

static size_t skip_digits(struct toll_slice s, size_t at)
{
	while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9')
		at++;
	return at;
}

bool toll_import_is_amount(struct toll_slice s)
{
	size_t at = skip_digits(s, 0);

	if (at == 0 || s.len > 40)
		return false;
	if (at < s.len && s.ptr[at] == '.') {
		size_t start = at + 1;

		at = skip_digits(s, start);
		if (at == start)
			return false;
	}
	if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
		size_t start = at + 1;

		if (start < s.len && (s.ptr[start] == '-' || s.ptr[start] == '+'))
			start++;
		at = skip_digits(s, start);
		if (at == start || at - start > 2)
			return false;
	}
	return at == s.len;
}

struct toll_slice toll_import_day(struct toll_slice s)
{
	static const char shape[] = "0000-00-00";

	if (s.len < sizeof(shape) - 1)
		return toll_slice(NULL, 0);
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == '0' ? s.ptr[i] < '0' || s.ptr[i] > '9' : s.ptr[i] != shape[i])
			return toll_slice(NULL, 0);
	return toll_slice(s.ptr, sizeof(shape) - 1);
}

bool toll_import_fits(struct toll_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((uint8_t)text.ptr[i] < 0x20)
			return false;
	return text.len > 0 && text.len <= LONGEST - 32; /* a suffix may come behind an id */
}

/* ---- the document ---- */

void toll_import_begin(struct toll_import *im)
{
	fputs("format: spantoll.prices/v1\ncurrency: USD\ndefaults: {source: ", im->out);
	put_text(im->out, toll_slice_str(im->name));
	if (im->checked_at)
		fprintf(im->out, ", checked_at: %s", im->checked_at);
	fputs("}\n", im->out);
}

int toll_import_end(struct toll_import *im, struct toll_error *reterr)
{
	if (im->rules + im->units == 0)
		return toll_fail(reterr, TOLL_EINVALID, "%s: has no price that can be taken over",
		                 im->name);
	return 0;
}

void toll_import_leave_out(struct toll_import *im, struct toll_slice what, const char *why)
{
	im->lost++;
	if (im->left_out)
		im->left_out(im->context, what, why);
}

/* ---- rules ---- */

static void comma(struct toll_import *im)
{
	if (!im->first)
		fputs(", ", im->out);
	im->first = false;
}

void toll_import_rule(struct toll_import *im, struct toll_slice id, const char *suffix)
{
	char text[LONGEST + 1];

	if (im->rules++ == 0)
		fputs("rules:\n", im->out);
	snprintf(text, sizeof(text), "%.*s%s", TOLL_FMT(id), suffix);
	fputs("  - {id: ", im->out);
	put_text(im->out, toll_slice_str(text));
	fputs(", match: {", im->out);
	im->first = true;
}

static void put_field(struct toll_import *im, const char *field)
{
	comma(im);
	put_text(im->out, toll_slice_str(field));
	fputs(": ", im->out);
}

void toll_import_exact(struct toll_import *im, const char *field, struct toll_slice text)
{
	put_field(im, field);
	put_text(im->out, text);
}

void toll_import_one_of(struct toll_import *im, const char *field, const struct toll_slice *texts,
                        size_t count)
{
	put_field(im, field);
	fputs("{one_of: [", im->out);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", im->out);
		put_text(im->out, texts[i]);
	}
	fputs("]}", im->out);
}

void toll_import_words(struct toll_import *im, const char *field, const char *words)
{
	struct toll_slice texts[16];
	size_t count = 0;

	while (*words && count < 16) {
		size_t len = strcspn(words, " ");

		texts[count++] = toll_slice(words, len);
		words += len + (words[len] == ' ');
	}
	toll_import_one_of(im, field, texts, count);
}

void toll_import_pattern(struct toll_import *im, const char *field, const char *op,
                         struct toll_slice text)
{
	put_field(im, field);
	fprintf(im->out, "{%s: ", op);
	put_text(im->out, text);
	fputc('}', im->out);
}

void toll_import_verbatim(struct toll_import *im, struct toll_slice conditions)
{
	comma(im);
	fprintf(im->out, "%.*s", TOLL_FMT(conditions));
}

void toll_import_price(struct toll_import *im)
{
	fputs("}, price: [", im->out);
	im->first = true;
}

void toll_import_price_end(struct toll_import *im)
{
	fputc(']', im->out);
}

void toll_import_free(struct toll_import *im)
{
	fputs("}, free: true", im->out);
}

void toll_import_meter(struct toll_import *im, const char *meter, struct toll_slice usd,
                       const char *per, const char *more)
{
	comma(im);
	fprintf(im->out, "{meter: %s, ", meter);
	if (more)
		fprintf(im->out, "%s, ", more);
	fprintf(im->out, "usd: %.*s, per: %s", TOLL_FMT(usd), per);
}

void toll_import_tier(struct toll_import *im, unsigned long over, struct toll_slice usd, bool first)
{
	fprintf(im->out, "%s{over: %lu, of: context_tokens, usd: %.*s}",
	        first ? ", tiers: [" : ", ", over, TOLL_FMT(usd));
}

void toll_import_meter_end(struct toll_import *im, bool had_tiers)
{
	fputs(had_tiers ? "]}" : "}", im->out);
}

void toll_import_rule_end(struct toll_import *im, struct toll_slice valid_from,
                          struct toll_slice valid_to)
{
	if (valid_from.len)
		fprintf(im->out, ", valid_from: %.*s", TOLL_FMT(valid_from));
	if (valid_to.len)
		fprintf(im->out, ", valid_to: %.*s", TOLL_FMT(valid_to));
	fputs("}\n", im->out);
}

/* ---- units ---- */

void toll_import_unit(struct toll_import *im, struct toll_slice unit, struct toll_slice usd,
                      const char *per, struct toll_slice valid_from, struct toll_slice valid_to)
{
	if (im->units++ == 0)
		fputs("units:\n", im->out);
	if (im->units == 1 || !toll_slice_is(unit, im->unit)) {
		fputs("  ", im->out);
		put_text(im->out, unit);
		fputs(":\n", im->out);
		snprintf(im->unit, sizeof(im->unit), "%.*s", TOLL_FMT(unit));
	}
	fprintf(im->out, "    - {usd: %.*s, per: %s", TOLL_FMT(usd), per);
	toll_import_rule_end(im, valid_from, valid_to);
}
