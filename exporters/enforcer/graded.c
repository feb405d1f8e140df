/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/enforcer/graded.h"

double toll_graded_share(const struct toll_verdict *v, double min_allowed)
{
	double share = v->rule && v->rule_ema > 0 ? v->rule->rule.limit_usd / v->rule_ema : 1;

	if (share < min_allowed)
		return min_allowed;
	return share < 1 ? share : 1;
}

uint32_t toll_retry_after_s(const struct toll_rules *r, const struct toll_verdict *v,
                            uint32_t under)
{
	uint32_t need = v->rule ? v->rule->rule.windows : 1;
	uint64_t left_ms = (need > under ? need - under : 1) * r->evaluation_ms;

	return left_ms < UINT32_MAX ? (uint32_t)((left_ms + 999) / 1000) : UINT32_MAX / 1000;
}
