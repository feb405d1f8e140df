/* SPDX-License-Identifier: Apache-2.0 */
/* subject_check.c - what is wrong with a key that somebody wrote. */
#include <stdio.h>
#include <string.h>

#include "budget/subject.h"
#include "config/suggest.h"

#define SERVICE    "service:"
#define KINDS_TEXT 120
#define GUESS_TEXT (TOLL_DIMENSION_NAME_MAX + 20)

static bool is_dimension(const struct toll_subjects *s, struct toll_slice name)
{
	for (uint32_t i = 0; i < s->dimension_count; i++)
		if (toll_slice_eq(s->dimensions[i].name, name))
			return true;
	return false;
}

/* " (did you mean tenant?)", of the dimension that the first unknown name is nearest to; else "".
 */
static void guess(const struct toll_subjects *s, struct toll_slice key, char buf[GUESS_TEXT])
{
	char names[TOLL_DIMENSIONS_MAX][TOLL_DIMENSION_NAME_MAX + 1];
	struct toll_slice name;
	struct toll_suggest near;

	do {
		name = toll_subject_part(&key);
		toll_subject_part(&key);
	} while (key.len && is_dimension(s, name));
	toll_suggest_init(&near, name);
	for (uint32_t i = 0; i < s->dimension_count; i++) {
		snprintf(names[i], sizeof(names[i]), "%.*s", TOLL_FMT(s->dimensions[i].name));
		toll_suggest_offer(&near, names[i]);
	}
	buf[0] = '\0';
	if (near.best && !is_dimension(s, name))
		snprintf(buf, GUESS_TEXT, " (did you mean %s?)", near.best);
}

/* "service; tenant,service" */
static void list_kinds(const struct toll_subjects *s, char buf[KINDS_TEXT])
{
	size_t len = 0;

	for (uint32_t i = 0; i < s->kind_count; i++) {
		const struct toll_slice label = s->kinds[i].label;

		if (len + label.len + sizeof("; ...") > KINDS_TEXT) {
			snprintf(buf + len, KINDS_TEXT - len, "; ...");
			return;
		}
		len += (size_t)snprintf(buf + len, KINDS_TEXT - len, "%s%.*s", i ? "; " : "",
		                        TOLL_FMT(label));
	}
}

static bool is_service_alone(struct toll_slice key)
{
	struct toll_slice first = toll_subject_part(&key);

	return toll_slice_is(first, "service") && key.len && !memchr(key.ptr, ':', key.len);
}

int toll_subjects_check(const struct toll_subjects *s, struct toll_slice key,
                        struct toll_error *reterr)
{
	char text[TOLL_SUBJECT_MAX], kinds[KINDS_TEXT] = "", near[GUESS_TEXT];
	const struct toll_slice shown = toll_slice_cut(key, 64);
	struct toll_subject subject;

	if (toll_subjects_read(s, key, &subject, text))
		return 0;
	if (is_service_alone(key))
		return toll_fail(reterr, TOLL_EINVALID,
		                 "%.*s: a service alone is named without \"service:\"",
		                 TOLL_FMT(shown));
	guess(s, key, near);
	list_kinds(s, kinds);
	return toll_fail(reterr, TOLL_EINVALID,
	                 "no budget of this daemon is for subjects like %.*s%s; there are budgets "
	                 "for %s",
	                 TOLL_FMT(shown), near, kinds);
}
