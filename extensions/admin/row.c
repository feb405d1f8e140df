/* SPDX-License-Identifier: Apache-2.0 */
/* row.c - one subject of /v1/spend. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "extensions/admin/show.h"
#include "proto/json_write.h"

const char *toll_admin_state(const struct toll_budget_row *r)
{
	if (r->override != TOLL_OVERRIDE_NONE)
		return "override";
	if (r->throttled)
		return "throttled";
	if (r->capped)
		return "capped";
	if (r->shadow)
		return "shadow";
	if (!r->limit_pico)
		return "none";
	if (toll_slice_is(toll_slice_str(r->mode), "off"))
		return "off";
	return r->spent_nano * 1000 > r->limit_pico ? "over" : "ok";
}

void toll_admin_put_text(FILE *out, struct toll_slice text)
{
	char *json = malloc(toll_json_string_bound(text.len));

	if (json)
		fwrite(json, 1, (size_t)(toll_json_string(json, text) - json), out);
	else
		fputs("null", out);
	free(json);
}

static void put_member(FILE *out, const char *name, struct toll_slice text)
{
	if (!text.len)
		return;
	fprintf(out, ",\"%s\":", name);
	toll_admin_put_text(out, text);
}

static void put_money(FILE *out, const char *name, toll_i128 pico)
{
	char text[TOLL_MONEY_TEXT];

	toll_money_print_wide(pico, text);
	fprintf(out, ",\"%s\":%s", name, text);
}

/* A statistic: six digits behind the point are more than it knows. */
static void put_number(FILE *out, const char *name, double v)
{
	if (isfinite(v))
		fprintf(out, ",\"%s\":%.6f", name, v);
}

static void put_budget(FILE *out, const struct toll_budget_row *r)
{
	put_member(out, "budget", r->budget);
	put_member(out, "mode", toll_slice_str(r->mode));
	put_member(out, "window", toll_slice_str(r->window));
	put_money(out, "limit_usd", r->limit_pico);
	put_number(out, "utilization_pct",
	           (double)r->spent_nano * 1000 / (double)r->limit_pico * 100);
	put_number(out, "ema_usd", r->ema_usd);
	fprintf(out, ",\"evaluations_over\":%" PRIu32 ",\"evaluations_under\":%" PRIu32, r->over,
	        r->under);
	if (r->forecast_s >= 0)
		put_number(out, "forecast_s", r->forecast_s);
}

void toll_admin_put_row(FILE *out, const struct toll_budget_row *r)
{
	fputs("{\"subject\":", out);
	toll_admin_put_text(out, r->subject);
	fprintf(out, ",\"state\":\"%s\"", toll_admin_state(r));
	put_money(out, "spent_usd", r->spent_nano * 1000);
	if (r->limit_pico)
		put_budget(out, r);
	fprintf(out, ",\"throttled\":%s", r->throttled ? "true" : "false");
	put_member(out, "override", toll_slice_str(toll_override_name(r->override)));
	if (r->until_ms)
		fprintf(out, ",\"until_ms\":%" PRIu64, r->until_ms);
	put_member(out, "criticality", toll_slice_str(toll_criticality_name(r->criticality)));
	fputc('}', out);
}
