/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/import.h"

const struct toll_import_format toll_import_formats[] = {
	{ "aws-offer", toll_import_aws_offer,
	  "a service's price list file of AWS (JSON), one region at a time" },
	{ "litellm", toll_import_litellm, "LiteLLM's model_prices_and_context_window.json" },
	{ "genai-prices", toll_import_genai, "data.json of genai-prices" },
	{ "opencost", toll_import_opencost, "a configuration of OpenCost (default.json)" },
	{ "csv", toll_import_csv,
	  "a table with a line of names: id, meter, usd, per, and fields to match" },
	{ NULL, NULL, NULL },
};
