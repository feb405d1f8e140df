/* SPDX-License-Identifier: Apache-2.0 */
#include "prices/catalogue.h"

#include "base/macro.h"

/* The Makefile makes each file a run of string literals, one a line. */
static const char llm_text[] =
#include "prices/catalogue/llm.yaml.h"
	;
static const char llm_hosts_text[] =
#include "prices/catalogue/llm_hosts.yaml.h"
	;
static const char aws_text[] =
#include "prices/catalogue/aws.yaml.h"
	;
static const char compute_text[] =
#include "prices/catalogue/compute.yaml.h"
	;
static const char egress_text[] =
#include "prices/catalogue/egress.yaml.h"
	;

struct section {
	const char *name;
	const char *text;
	size_t len;
	bool preset;
};

static const struct section sections[] = {
#define TOLL_CATALOGUE(section, in_true) \
	{ #section, section##_text, sizeof(section##_text) - 1, in_true },
#include "prices/catalogue.def"
};

struct toll_slice toll_catalogue_document(unsigned i, const char **ret_name)
{
	if (i >= TOLL_COUNT(sections))
		return toll_slice(NULL, 0);
	if (ret_name)
		*ret_name = sections[i].name;
	return toll_slice(sections[i].text, sections[i].len);
}

bool toll_catalogue_is_preset(unsigned i)
{
	return i < TOLL_COUNT(sections) && sections[i].preset;
}
