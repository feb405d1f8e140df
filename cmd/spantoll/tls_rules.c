/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/tls_rules.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/spantoll/field_walk.h"
#include "net/tls_material.h"

/* A part of the sentences of tls_material.h, where we put the setting ourselves. */
static const char section[] = "tls";

static const char *const files[] = { "cert_file", "key_file", "ca_file", "client_ca_file" };

static bool is_tls(const struct toll_field *f)
{
	if (f->type == TOLL_FIELD_GROUP)
		for (const struct toll_field *in = f->group; in->name; in++)
			if (strcmp(in->name, files[0]) == 0)
				return true;
	return false;
}

/* insecure: nobody will read them. */
static bool is_off(const struct toll_field_seen *tls)
{
	for (const struct toll_field *f = tls->field->group; f->name; f++)
		if (strcmp(f->name, "insecure") == 0 && f->type == TOLL_FIELD_BOOL)
			return *(const bool *)(const void *)((const char *)tls->value + f->offset);
	return false;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static bool all_there(const struct toll_field_seen *tls, struct toll_findings *findings)
{
	bool there = true;

	for (size_t i = 0; i < TOLL_COUNT(files); i++) {
		struct toll_slice path = toll_field_string(tls, files[i]);

		if (!path.len || is_there(path.ptr))
			continue;
		there = false;
		toll_field_finding(findings, TOLL_FINDING_WARNING, tls, files[i],
		                   "\"%.*s\" is not on this machine", TOLL_FMT(path));
	}
	return there;
}

/* "tls::key_file: the key does not ..." -> a finding at key_file. */
static void tell(const struct toll_field_seen *tls, const struct toll_error *why,
                 struct toll_findings *findings)
{
	const char *name = why->text + strlen("tls::"), *end = strchr(name, ':');
	char below[32] = "";

	if (strncmp(why->text, "tls::", 5) == 0 && end && (size_t)(end - name) < sizeof(below))
		memcpy(below, name, (size_t)(end - name));
	toll_field_finding(findings, TOLL_FINDING_ERROR, tls, below, "%s",
	                   *below ? end + 2 : why->text);
}

static void check_expiry(const struct toll_field_seen *tls, uint64_t expires_unix_s,
                         struct toll_findings *findings)
{
	char when[32];

	if (expires_unix_s * TOLL_S < toll_clock_wall_ns())
		toll_field_finding(
			findings, TOLL_FINDING_WARNING, tls, files[0],
			"the certificate has expired (%s)",
			toll_clock_rfc3339(expires_unix_s * TOLL_S, 0, when, sizeof(when)));
}

static bool is_given(const char *file, const char *pem)
{
	return *file || *pem;
}

/* Ours: certificate and key, and who signs those of clients. */
static int check_pair(const struct toll_field_seen *tls, struct toll_findings *findings,
                      struct toll_error *reterr)
{
	const struct toll_tls_source source = {
		.cert_file = toll_field_string(tls, "cert_file").ptr,
		.cert_pem = toll_field_string(tls, "cert_pem").ptr,
		.key_file = toll_field_string(tls, "key_file").ptr,
		.key_pem = toll_field_string(tls, "key_pem").ptr,
		.client_ca_file = toll_field_string(tls, "client_ca_file").ptr,
	};
	struct toll_tls_material *m;
	int err;

	if (!is_given(source.cert_file, source.cert_pem) ||
	    !is_given(source.key_file, source.key_pem))
		return 0;
	err = toll_tls_material_load(&source, section, &m, reterr);
	if (err)
		return err;
	check_expiry(tls, m->expires_unix_s, findings);
	toll_tls_material_unref(m);
	return 0;
}

static void check(void *ctx, const struct toll_field_seen *seen)
{
	struct toll_findings *findings = ctx;
	struct toll_error why = { 0 };
	struct toll_slice ca;
	int err;

	if (!is_tls(seen->field) || is_off(seen) || !all_there(seen, findings))
		return;
	err = check_pair(seen, findings, &why);
	ca = toll_field_string(seen, "ca_file");
	if (!err && ca.len)
		err = toll_tls_authorities_check(ca.ptr, section, "ca_file", &why);
	if (err)
		tell(seen, &why, findings);
}

void toll_tls_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	toll_field_walk(config, check, findings);
}
