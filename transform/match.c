/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - the properties compiled, and spans held against them. */
#include "transform/match.h"

#include <stdlib.h>

#include "proto/attr.h"
#include "transform/regex.h"
#include "transform/value.h"

enum { INCLUDE = 0, EXCLUDE };

/* ---- compiled ---- */

struct text_test {
	struct toll_slice exact;
	struct toll_regex *regex; /* in place of exact */
};

struct text_list {
	struct text_test *at; /* NULL: not asked for */
	size_t count;
};

struct attribute_test {
	struct toll_slice key;
	const struct toll_any *value; /* NONE: any */
	struct toll_regex *regex;
};

struct attribute_list {
	struct attribute_test *at;
	size_t count;
};

struct library_test {
	struct text_test name, version;
	bool any_version;
};

struct side {
	bool given;
	struct text_list services, names, kinds;
	struct attribute_list attributes, resources;
	struct library_test *libraries;
	size_t library_count;
};

struct toll_match {
	struct side side[2];
};

static int make_text(struct text_test *t, struct toll_slice text, bool regexp,
                     struct toll_error *reterr)
{
	t->exact = text;
	return regexp ? toll_regex_new(text, &t->regex, reterr) : 0;
}

static int make_list(struct text_list *l, const struct toll_slice_list *set, bool regexp,
                     struct toll_error *reterr)
{
	int err = 0;

	if (!set->count)
		return 0;
	l->at = calloc(set->count, sizeof(*l->at));
	if (!l->at)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (; l->count < set->count && !err; l->count++)
		err = make_text(&l->at[l->count], set->at[l->count], regexp, reterr);
	return err;
}

static int make_attributes(struct attribute_list *l, const struct toll_group_list *set, bool regexp,
                           struct toll_error *reterr)
{
	const struct toll_match_attribute *from = set->at;
	int err = 0;

	if (!set->count)
		return 0;
	l->at = calloc(set->count, sizeof(*l->at));
	if (!l->at)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (; l->count < set->count && !err; l->count++) {
		struct attribute_test *t = &l->at[l->count];

		t->key = from[l->count].key;
		t->value = &from[l->count].value;
		if (regexp && t->value->type != TOLL_ANY_NONE)
			err = toll_regex_new(t->value->text, &t->regex, reterr);
	}
	return err;
}

static int make_libraries(struct side *s, const struct toll_group_list *set, bool regexp,
                          struct toll_error *reterr)
{
	const struct toll_match_library *from = set->at;
	int err = 0;

	if (!set->count)
		return 0;
	s->libraries = calloc(set->count, sizeof(*s->libraries));
	if (!s->libraries)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	for (; s->library_count < set->count && !err; s->library_count++) {
		struct library_test *t = &s->libraries[s->library_count];
		const struct toll_match_library *f = &from[s->library_count];

		t->any_version = f->version.type == TOLL_ANY_NONE;
		err = make_text(&t->name, f->name, regexp, reterr);
		if (!err && !t->any_version)
			err = make_text(&t->version, f->version.text, regexp, reterr);
	}
	return err;
}

static int make_side(struct side *s, const struct toll_match_properties *p,
                     struct toll_error *reterr)
{
	bool regexp = p->match_type == TOLL_MATCH_REGEXP;
	int err = make_list(&s->services, &p->services, regexp, reterr);

	s->given = true;
	if (!err)
		err = make_list(&s->names, &p->span_names, regexp, reterr);
	if (!err)
		err = make_list(&s->kinds, &p->span_kinds, regexp, reterr);
	if (!err)
		err = make_attributes(&s->attributes, &p->attributes, regexp, reterr);
	if (!err)
		err = make_attributes(&s->resources, &p->resources, regexp, reterr);
	return err ? err : make_libraries(s, &p->libraries, regexp, reterr);
}

int toll_match_new(const struct toll_match_settings *set, struct toll_match **ret,
                   struct toll_error *reterr)
{
	struct toll_match *m = calloc(1, sizeof(*m));
	int err = 0;

	if (!m)
		return toll_fail(reterr, TOLL_ENOMEM, "out of memory");
	if (set->has_include)
		err = make_side(&m->side[INCLUDE], &set->include, reterr);
	if (!err && set->has_exclude)
		err = make_side(&m->side[EXCLUDE], &set->exclude, reterr);
	if (err)
		return toll_match_free(m), err;
	*ret = m;
	return 0;
}

static void free_list(struct text_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		toll_regex_free(l->at[i].regex);
	free(l->at);
}

static void free_attributes(struct attribute_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		toll_regex_free(l->at[i].regex);
	free(l->at);
}

static void free_side(struct side *s)
{
	free_list(&s->services);
	free_list(&s->names);
	free_list(&s->kinds);
	free_attributes(&s->attributes);
	free_attributes(&s->resources);
	for (size_t i = 0; i < s->library_count; i++) {
		toll_regex_free(s->libraries[i].name.regex);
		toll_regex_free(s->libraries[i].version.regex);
	}
	free(s->libraries);
}

struct toll_match *toll_match_free(struct toll_match *m)
{
	if (!m)
		return NULL;
	free_side(&m->side[INCLUDE]);
	free_side(&m->side[EXCLUDE]);
	free(m);
	return NULL;
}

/* ---- at work ---- */

static bool text_fits(const struct text_test *t, struct toll_slice text)
{
	return t->regex ? toll_regex_match(t->regex, text) : toll_slice_eq(t->exact, text);
}

static bool list_fits(const struct text_list *l, struct toll_slice text)
{
	for (size_t i = 0; i < l->count; i++)
		if (text_fits(&l->at[i], text))
			return true;
	return l->count == 0;
}

static bool attribute_fits(const struct attribute_test *t, const struct toll_node *n)
{
	const struct toll_attr *a = toll_node_find_name(n, t->key);
	char buf[TOLL_VALUE_TEXT];
	struct toll_slice text;
	struct toll_value v;

	if (!a || t->value->type == TOLL_ANY_NONE)
		return a != NULL;
	v = toll_value_decode(toll_attr_value(a));
	if (!t->regex)
		return toll_any_equals(t->value, &v);
	text = toll_value_text(&v, buf);
	return text.ptr && toll_regex_match(t->regex, text);
}

static bool attributes_fit(const struct attribute_list *l, const struct toll_node *n)
{
	for (size_t i = 0; i < l->count; i++)
		if (!attribute_fits(&l->at[i], n))
			return false;
	return true;
}

static bool resource_fits(const struct side *s, const struct toll_resource *r)
{
	const struct toll_attr *a = toll_node_find(&r->node, TOLL_KEY_SERVICE_NAME);
	struct toll_slice service = a ? toll_attr_text(a) : TOLL_SLICE("<nil-service-name>");

	return list_fits(&s->services, service) && attributes_fit(&s->resources, &r->node);
}

/* InstrumentationScope: name is field 1, version field 2. */
static bool scope_fits(const struct side *s, const struct toll_scope *sc)
{
	struct toll_slice name, version;

	if (!s->library_count)
		return true;
	name = toll_message_field(sc->node.raw, 1);
	version = toll_message_field(sc->node.raw, 2);
	for (size_t i = 0; i < s->library_count; i++)
		if (text_fits(&s->libraries[i].name, name) &&
		    (s->libraries[i].any_version || text_fits(&s->libraries[i].version, version)))
			return true;
	return false;
}

static bool side_fits(const struct toll_match *m, int which, const struct toll_batch *b,
                      const struct toll_span *sp, struct toll_match_memo *memo)
{
	const struct side *s = &m->side[which];

	if (memo->side[which].resource != sp->resource + 1) {
		memo->side[which].resource = sp->resource + 1;
		memo->side[which].resource_fits = resource_fits(s, &b->resources[sp->resource]);
	}
	if (memo->side[which].scope != sp->scope + 1) {
		memo->side[which].scope = sp->scope + 1;
		memo->side[which].scope_fits = scope_fits(s, &b->scopes[sp->scope]);
	}
	return memo->side[which].resource_fits && memo->side[which].scope_fits &&
	       list_fits(&s->names, sp->name) &&
	       list_fits(&s->kinds, toll_slice_str(toll_span_kind_name(sp->kind))) &&
	       attributes_fit(&s->attributes, &sp->node);
}

bool toll_match_span(const struct toll_match *m, const struct toll_batch *b,
                     const struct toll_span *s, struct toll_match_memo *memo)
{
	if (m->side[INCLUDE].given && !side_fits(m, INCLUDE, b, s, memo))
		return false;
	return !m->side[EXCLUDE].given || !side_fits(m, EXCLUDE, b, s, memo);
}
