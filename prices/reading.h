/* SPDX-License-Identifier: Apache-2.0 */
/* reading.h - what the readers of a price document share: places, findings, values. Private to
 * prices/. A reader that finds a fault tells of it and goes on, so that all faults are told of. */
#ifndef TOLL_PRICES_READING_H
#define TOLL_PRICES_READING_H

#include "config/config.h"
#include "config/suggest.h"
#include "config/yaml_tree.h"

struct toll_pricebook_builder;

/* A name that may come only once at a time: of a rule, a unit, a discount. */
struct toll_dated_name {
	struct toll_slice name;
	int64_t from_s, to_s;
	unsigned line, column;
};

struct toll_dated_names {
	struct toll_dated_name *at;
	size_t count, room;
};

struct toll_reading {
	const char *file;
	unsigned layer;
	struct toll_pricebook_builder *builder;
	struct toll_findings *findings;
	struct toll_arena scratch;            /* of one row: forgotten before the next */
	struct toll_slice source, checked_at; /* for rows that do not say */
	struct toll_dated_names rules, units, discounts;
	uint32_t order;   /* of the next row */
	unsigned ignored; /* members that were read over */
	int err;          /* TOLL_ENOMEM, TOLL_EFULL: there is no use in going on */
};

/* A value and how to get there; lives on the stack of whoever reads it. */
struct toll_spot {
	const struct toll_spot *up;
	struct toll_slice key; /* ptr NULL: in a list */
	size_t index;
	const struct toll_yaml_node *node;
	unsigned line, column; /* of the key; of the value in lists */
};

/* The spot of an entry of at's list or mapping. */
struct toll_spot toll_spot_of(const struct toll_spot *at, size_t index);

void toll_reading_error(struct toll_reading *r, const struct toll_spot *at, const char *fmt, ...)
	TOLL_PRINTF(3, 4);
void toll_reading_warning(struct toll_reading *r, const struct toll_spot *at, const char *fmt, ...)
	TOLL_PRINTF(3, 4);
/* As an error, at the value instead of its key. */
void toll_reading_bad_value(struct toll_reading *r, const struct toll_spot *at, const char *fmt,
                            ...) TOLL_PRINTF(3, 4);

/* One key of a mapping. into is what toll_read_members() was given. */
struct toll_member {
	const char *name; /* NULL ends the table */
	/* NULL: the spot is copied to where keep says in *into, to be read later. */
	void (*read)(struct toll_reading *r, const struct toll_spot *at, void *into);
	size_t keep;
	bool required;
};

/* Reads every key by its member; null is absence; an unknown key and a missing one are errors. The
 * keys of the mapping are at most 64. False: at is no mapping. */
bool toll_read_members(struct toll_reading *r, const struct toll_spot *at,
                       const struct toll_member *members, void *into);

/* These tell of a fault and return false. */
bool toll_read_is_map(struct toll_reading *r, const struct toll_spot *at);
bool toll_read_is_list(struct toll_reading *r, const struct toll_spot *at);
bool toll_read_text(struct toll_reading *r, const struct toll_spot *at, size_t max_len,
                    struct toll_slice *ret); /* not empty, no control bytes */
bool toll_read_bool(struct toll_reading *r, const struct toll_spot *at, bool *ret);
bool toll_read_int(struct toll_reading *r, const struct toll_spot *at, int64_t min, int64_t max,
                   int64_t *ret);
/* "2026-11-20" (midnight UTC) or RFC 3339. */
bool toll_read_date(struct toll_reading *r, const struct toll_spot *at, int64_t *ret_s);

/* Memory for count elements of the row being read, zeroed; NULL with r->err set. */
#define toll_reading_new(r, type, count) \
	((type *)toll_reading_alloc((r), sizeof(type), _Alignof(type), (count)))
void *toll_reading_alloc(struct toll_reading *r, size_t size, size_t align, size_t count);

/* Notes a name with its validity, after checking that from is before to. */
void toll_reading_note(struct toll_reading *r, struct toll_dated_names *names,
                       const struct toll_spot *at, struct toll_slice name, int64_t from_s,
                       int64_t to_s);
/* Tells of every name that is there twice at the same time; what: "rule". Sorts them. */
void toll_reading_find_twice(struct toll_reading *r, struct toll_dated_names *names,
                             const char *what);

#endif
