/* SPDX-License-Identifier: Apache-2.0 */
/* live_table.h - the live table as text for people, and as one JSON line for programs. */
#ifndef TOLL_CMD_LIVE_TABLE_H
#define TOLL_CMD_LIVE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/spantoll/live.h"

struct toll_live_style {
	unsigned width;    /* columns of the terminal; at least 60 are used */
	unsigned max_rows; /* services shown; 0: all */
	bool colour;
	bool unicode; /* bars of block characters */
};

/* The table with its total line; from malloc, NULL when out of memory. */
char *toll_live_table_text(const struct toll_live *l, const struct toll_live_style *style);

/* One line: {"time":…,"services":[…],"total":{…},"events":[…]}; only events from event_first on. */
void toll_live_json(const struct toll_live *l, uint64_t event_first, FILE *out);

/* "$12.34", below a cent "$0.0042", at most 10 characters. Returns buf. */
const char *toll_live_usd(toll_i128 pico, char *buf, size_t size);
/* "12:03:44" in local time. */
const char *toll_live_time(uint64_t wall_ns, char buf[16]);

#endif
