/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/burn.h"

#include <string.h>

#define SAMPLE_MS UINT64_C(150000)
#define LEAST_MS  UINT64_C(60000)
#define HOUR_MS   3600000.0
#define LONGEST_S (10 * 365 * 86400.0)

void toll_burn_add(struct toll_burn *b, uint64_t ms, toll_i128 nano)
{
	if (b->count && ms < b->at[b->count - 1].ms)
		b->count = 0;
	if (b->count && ms < b->at[b->count - 1].ms + SAMPLE_MS)
		return;
	if (b->count == TOLL_BURN_SAMPLES) {
		memmove(&b->at[0], &b->at[1], (TOLL_BURN_SAMPLES - 1) * sizeof(b->at[0]));
		b->count--;
	}
	b->at[b->count].ms = ms;
	b->at[b->count].nano = nano;
	b->count++;
}

double toll_burn_usd_per_hour(const struct toll_burn *b, uint64_t ms, toll_i128 nano)
{
	if (b->count == 0 || ms < b->at[0].ms + LEAST_MS || nano <= b->at[0].nano)
		return 0;
	return (double)(nano - b->at[0].nano) / 1e9 * (HOUR_MS / (double)(ms - b->at[0].ms));
}

double toll_burn_reaches_s(double usd_per_hour, toll_i128 nano, int64_t limit_pico)
{
	double left = ((double)limit_pico - (double)nano * 1e3) / 1e12, seconds;

	if (left <= 0)
		return 0;
	seconds = usd_per_hour > 0 ? left / usd_per_hour * 3600 : -1;
	return seconds <= LONGEST_S ? seconds : -1;
}
