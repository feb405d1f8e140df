/* SPDX-License-Identifier: Apache-2.0 */
/* prices_text.h - rows of a price book as people and programs read them. */
#ifndef TOLL_CMD_PRICES_TEXT_H
#define TOLL_CMD_PRICES_TEXT_H

#include <stdio.h>

#include "cost/pricebook.h"

/* A rate as a document would say it: "0.4" per "1M". */
#define TOLL_RATE_TEXT 96
struct toll_rate_text {
	char usd[TOLL_RATE_TEXT], per[TOLL_RATE_TEXT];
};

/* Exactly, unless that takes more than 24 places. step: of the meter; 0: none. */
void toll_rate_text(const struct toll_rate *rate, enum toll_quantity_kind kind, uint64_t step,
                    struct toll_rate_text *ret);

/* "model=gpt-4o|gpt-4o-mini region=eu*" */
void toll_prices_print_condition(const struct toll_condition *c, FILE *out);
void toll_prices_print_match(const struct toll_price_rule *rule, FILE *out);
/* "input_tokens 2.5/1M, output_tokens 10/1M"; "free" */
void toll_prices_print_price(const struct toll_price_rule *rule, FILE *out);
void toll_prices_print_meter(const struct toll_meter *m, FILE *out);
/* "input_tokens", "attribute n.bytes" */
void toll_prices_print_meter_name(const struct toll_meter *m, FILE *out);
/* "2024-08-06 to 2026-01-01", "from ...", "until ...", "" */
void toll_prices_print_valid(const struct toll_price_rule *rule, FILE *out);

/* What one of the functions above would print; malloc'ed, NULL: out of memory. */
char *toll_prices_text(void (*print)(const struct toll_price_rule *, FILE *),
                       const struct toll_price_rule *rule);

/* A JSON object with the members that a document's row has, and "document", "discount", "class". */
void toll_prices_json_row(const struct toll_price *price, const char *document, FILE *out);
/* {"meter": ..., "usd": "2.5", "per": "1M", ...} */
void toll_prices_json_meter(const struct toll_meter *m, bool is_unit, FILE *out);

#endif
