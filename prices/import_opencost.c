/* SPDX-License-Identifier: Apache-2.0 */
/* import_opencost.c - OpenCost's configuration: an object of prices as text, per hour or GB.
 *
 * Source of the shape: github.com/opencost/opencost, configs/default.json. */
#include "base/macro.h"
#include "prices/import_json.h"
#include "prices/import_write.h"

#define NOTHING toll_slice(NULL, 0)

/* Its member, the unit it becomes. Storage is per GB-hour there. */
static const struct {
	const char *member, *unit;
} prices[] = {
	{ "CPU", "vcpu_hour" },
	{ "spotCPU", "spot_vcpu_hour" },
	{ "RAM", "ram_gib_hour" },
	{ "spotRAM", "spot_ram_gib_hour" },
	{ "GPU", "gpu_hour" },
	{ "spotGPU", "spot_gpu_hour" },
	{ "storage", "storage_gib_hour" },
	{ "zoneNetworkEgress", "zone_egress_gb" },
	{ "regionNetworkEgress", "region_egress_gb" },
	{ "internetNetworkEgress", "internet_egress_gb" },
	{ "natGatewayEgress", "nat_gateway_egress_gb" },
	{ "natGatewayIngress", "nat_gateway_ingress_gb" },
};

/* A vCPU that works on one span at a time; memory is not in it. */
static void write_rule(struct toll_import *im, struct toll_slice usd)
{
	toll_import_rule(im, TOLL_SLICE("compute/default"), "");
	toll_import_words(im, "kind", "server consumer");
	toll_import_price(im);
	toll_import_meter(im, "duration", usd, "1h", NULL);
	toll_import_meter_end(im, false);
	toll_import_price_end(im);
	toll_import_rule_end(im, NOTHING, NOTHING);
}

static bool is_known(const char *member)
{
	for (size_t i = 0; i < TOLL_COUNT(prices); i++)
		if (strcmp(member, prices[i].member) == 0)
			return true;
	return false;
}

/* What has a number in it and is no price we know. */
static void tell_of_others(struct toll_import *im, struct json_object *list)
{
	json_object_object_foreach(list, member, value)
	{
		if (!is_known(member) && toll_import_is_amount(toll_import_text(value)))
			toll_import_leave_out(im, toll_slice_str(member),
			                      "no unit stands for this price");
	}
}

int toll_import_opencost(struct toll_import *im, struct toll_slice text, struct toll_error *reterr)
{
	int err = 0;
	struct json_object *list = toll_import_parse(im, text, json_type_object, &err, reterr);

	if (!list)
		return err;
	toll_import_begin(im);
	if (toll_import_is_amount(toll_import_member_text(list, "CPU")))
		write_rule(im, toll_import_member_text(list, "CPU"));
	for (size_t i = 0; i < TOLL_COUNT(prices); i++) {
		struct toll_slice usd = toll_import_member_text(list, prices[i].member);

		if (toll_import_is_amount(usd))
			toll_import_unit(im, toll_slice_str(prices[i].unit), usd, "1", NOTHING,
			                 NOTHING);
		else if (usd.len)
			toll_import_leave_out(im, toll_slice_str(prices[i].member),
			                      "is no amount of money");
	}
	tell_of_others(im, list);
	json_object_put(list);
	return toll_import_end(im, reterr);
}
