/* SPDX-License-Identifier: Apache-2.0 */
/* uri.h - scheme:rest -> text: what --config names, and what ${...} stands for.
 *
 * Schemes and their meaning are the Collector's (confmap providers): env:NAME[:-default],
 * file:PATH, yaml:TEXT. http and https are known and refused. */
#ifndef TOLL_CONFIG_URI_H
#define TOLL_CONFIG_URI_H

#include "base/arena.h"
#include "config/config.h"

enum toll_uri_scheme {
	TOLL_URI_NONE = 0, /* nothing that looks like a scheme */
	TOLL_URI_ENV,
	TOLL_URI_FILE,
	TOLL_URI_YAML,
	TOLL_URI_UNKNOWN, /* also http and https */
};

struct toll_uri {
	enum toll_uri_scheme scheme;
	struct toll_slice name; /* of the scheme, "env" */
	struct toll_slice rest; /* behind the colon; all of it for NONE */
};

/* A scheme is a letter and at least one more letter, digit, +, - or full stop, then a colon. */
struct toll_uri toll_uri_split(struct toll_slice text);

/* Files that were read, in the order of reading, each once. Names live in the arena. */
struct toll_uri_files {
	const char **at;
	size_t count, room;
	uint64_t said; /* a hash of what they said when they were read */
};

/* The same of what they say now. */
uint64_t toll_uri_files_hash(const char *const *paths, size_t count);

/* What reading needs and tells. */
struct toll_uri_reader {
	struct toll_arena *arena;
	struct toll_findings *findings;
	struct toll_uri_files *files;
	struct toll_place place; /* for findings */
	size_t max_bytes;        /* of a file */
	bool quiet;              /* no findings but errors */
	bool itself;             /* place is the file that is read: no need to name it */
};

struct toll_uri_value {
	bool set;               /* false: null, the text is "" */
	bool literal;           /* a default: it is not expanded again */
	struct toll_slice text; /* lives as long as the arena; NUL-terminated */
};

/* 0, or TOLL_ECONFIG with a finding, TOLL_ENOMEM. NONE is read as ENV. */
int toll_uri_read(const struct toll_uri_reader *r, const struct toll_uri *uri,
                  struct toll_uri_value *ret) TOLL_MUST_CHECK;

#endif
