/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/client_amount.h"

#include <stdio.h>
#include <stdlib.h>

#include "cost/money.h"
#include "proto/attr.h"

#define MOST_USD 1000000.0

/* What the client meant: the shortest decimal that reads as this double. */
static int pico_of(double usd, int64_t *ret_pico)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, usd);
		if (strtod(text, NULL) == usd)
			break;
	}
	return toll_money_parse(toll_slice_str(text), ret_pico);
}

static bool is_usd(const struct toll_span *s)
{
	const struct toll_attr *a = toll_node_find(&s->node, TOLL_KEY_COST_CURRENCY);

	return !a || toll_slice_is(toll_attr_text(a), "USD");
}

enum toll_client_amount toll_client_amount(const struct toll_span *s, int64_t *ret_pico)
{
	const struct toll_attr *a = toll_node_find(&s->node, TOLL_KEY_COST_AMOUNT);
	struct toll_value v;

	if (!a)
		return TOLL_CLIENT_NONE;
	v = toll_value_decode(toll_attr_value(a));
	if (v.type == TOLL_VALUE_INT)
		v.number = (double)v.integer;
	else if (v.type != TOLL_VALUE_DOUBLE)
		return TOLL_CLIENT_INVALID;
	/* False for NaN, too. */
	if (!(v.number >= 0 && v.number <= MOST_USD) || !is_usd(s))
		return TOLL_CLIENT_INVALID;
	return pico_of(v.number, ret_pico) < 0 ? TOLL_CLIENT_INVALID : TOLL_CLIENT_VALID;
}
