/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spantoll/port_rules.h"

#include <stdio.h>
#include <strings.h>

#include "cmd/spantoll/field_walk.h"
#include "config/service.h"
#include "net/endpoint.h"

#define PLACES_MAX 64 /* more are not compared */

struct place {
	char path[256];
	struct toll_slice text;
	struct toll_slice socket; /* a path; "": where says it */
	struct toll_endpoint where;
};

struct walk {
	struct toll_findings *findings;
	struct place taken[PLACES_MAX];
	size_t count;
};

/* ---- comparing ---- */

static bool is_everywhere(const char *host)
{
	return !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static const char *address_of(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ? "127.0.0.1" : host;
}

/* All of IPv4 leaves an address of IPv6 alone; all of IPv6 is all of IPv4 too, as Linux binds it.
 */
static bool covers(const char *host, const char *other)
{
	return is_everywhere(host) &&
	       (strcmp(host, "0.0.0.0") != 0 || is_everywhere(other) || !strchr(other, ':'));
}

static bool is_same(const struct place *a, const struct place *b)
{
	const char *x = a->where.host, *y = b->where.host;

	if (a->socket.len || b->socket.len)
		return toll_slice_eq(a->socket, b->socket);
	return a->where.port && a->where.port == b->where.port &&
	       (covers(x, y) || covers(y, x) || strcasecmp(address_of(x), address_of(y)) == 0);
}

/* ---- collecting ---- */

/* False: no address; its component says so. */
static bool read_place(struct place *p, struct toll_slice text)
{
	static const char scheme[] = "unix:";
	size_t skip = text.len > sizeof(scheme) - 1 && memcmp(text.ptr, scheme, 5) == 0 ? 5 : 0;

	p->text = text;
	if (skip || (text.len && text.ptr[0] == '/')) {
		p->socket = toll_slice(text.ptr + skip, text.len - skip);
		return true;
	}
	return toll_endpoint_parse(text, &p->where, NULL) == 0;
}

static void check(void *ctx, const struct toll_field_seen *seen)
{
	const struct toll_config_component *c = seen->component;
	struct walk *w = ctx;
	struct place p = { .path = "" };

	if (!seen->field->listens || w->count == PLACES_MAX ||
	    !read_place(&p, *(const struct toll_slice *)seen->value))
		return;
	for (size_t i = 0; i < w->count; i++)
		if (is_same(&w->taken[i], &p)) {
			toll_field_finding(w->findings, TOLL_FINDING_ERROR, seen, "",
			                   "\"%.*s\" is taken by %s; choose another one",
			                   TOLL_FMT(p.text), w->taken[i].path);
			return;
		}
	snprintf(p.path, sizeof(p.path), "%s::%s::%s", toll_section_key(c->type->section), c->id,
	         seen->path);
	w->taken[w->count++] = p;
}

/* It has no component in the file. */
static void take_telemetry(struct walk *w, const struct toll_config_telemetry *t)
{
	struct place *p = &w->taken[0];

	if (!t->metrics_enabled)
		return;
	snprintf(p->path, sizeof(p->path), "service::telemetry::metrics (\"%.*s:%u\")",
	         TOLL_FMT(t->metrics_host), (unsigned)t->metrics_port);
	snprintf(p->where.host, sizeof(p->where.host), "%.*s", TOLL_FMT(t->metrics_host));
	p->where.port = (uint16_t)t->metrics_port;
	w->count = 1;
}

void toll_port_rules_check(const struct toll_config *config, struct toll_findings *findings)
{
	struct walk w = { .findings = findings };

	take_telemetry(&w, &config->telemetry);
	toll_field_walk(config, check, &w);
}
