/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CA_INTERVAL_NS TOLL_S

struct toll_tls_server {
	struct toll_tls_server_settings set;
	pthread_mutex_t lock; /* guards what follows */
	struct toll_tls_material *current;
	uint64_t look_mono_ns; /* at the files, not before */
	char complaint[sizeof(((struct toll_error *)0)->text)];
};

static uint64_t interval(const struct toll_tls_server_settings *set)
{
	uint64_t all = set->reload_interval_ns;

	if (set->client_ca_reload && (!all || all > CA_INTERVAL_NS))
		return CA_INTERVAL_NS;
	return all;
}

bool toll_tls_server_reloads(const struct toll_tls_server_settings *set)
{
	return interval(set) > 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct toll_tls_material *a, const struct toll_tls_material *b)
{
	return same_text(a->cert, b->cert) && same_text(a->key, b->key) &&
	       same_text(a->client_ca, b->client_ca);
}

static void tell(const struct toll_tls_server *s, int err, const char *text)
{
	if (s->set.on_reload)
		s->set.on_reload(s->set.ctx, err, text);
}

/* The same complaint is not told at every look. */
static void complain(struct toll_tls_server *s, const struct toll_error *why)
{
	if (strcmp(s->complaint, why->text) == 0)
		return;
	memcpy(s->complaint, why->text, sizeof(s->complaint));
	tell(s, why->code, why->text);
}

/* Where only client_ca_file is to be looked at, the pair stays as it is. */
static struct toll_tls_source source_now(const struct toll_tls_server *s)
{
	struct toll_tls_source src = s->set.source;

	if (!s->set.reload_interval_ns) {
		src.cert_file = src.key_file = NULL;
		src.cert_pem = s->current->cert;
		src.key_pem = s->current->key;
	}
	return src;
}

static void look(struct toll_tls_server *s)
{
	struct toll_tls_source src = source_now(s);
	struct toll_tls_material *next;
	struct toll_error why;

	if (toll_tls_material_load(&src, s->set.setting, &next, &why) < 0) {
		complain(s, &why);
		return;
	}
	s->complaint[0] = '\0';
	if (is_same(next, s->current)) {
		toll_tls_material_unref(next);
		return;
	}
	toll_tls_material_unref(s->current);
	s->current = next;
	tell(s, 0, "");
}

struct toll_tls_material *toll_tls_server_material(struct toll_tls_server *s)
{
	struct toll_tls_material *m;
	uint64_t now = toll_clock_mono_ns();

	pthread_mutex_lock(&s->lock);
	if (now >= s->look_mono_ns) {
		s->look_mono_ns = now + interval(&s->set);
		look(s);
	}
	m = toll_tls_material_ref(s->current);
	pthread_mutex_unlock(&s->lock);
	return m;
}

const struct toll_tls_server_settings *toll_tls_server_settings(const struct toll_tls_server *s)
{
	return &s->set;
}

int toll_tls_server_new(const struct toll_tls_server_settings *set, struct toll_tls_server **ret,
                        struct toll_error *reterr)
{
	struct toll_tls_server *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return toll_fail(reterr, TOLL_ENOMEM, "%s: out of memory", set->setting);
	s->set = *set;
	s->look_mono_ns = interval(set) ? toll_clock_mono_ns() + interval(set) : UINT64_MAX;
	err = toll_tls_material_load(&set->source, set->setting, &s->current, reterr);
	if (err) {
		free(s);
		return err;
	}
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return 0;
}

struct toll_tls_server *toll_tls_server_free(struct toll_tls_server *s)
{
	if (!s)
		return NULL;
	toll_tls_material_unref(s->current);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}
