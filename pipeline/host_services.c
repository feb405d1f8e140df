/* SPDX-License-Identifier: Apache-2.0 */
/* host_services.c - named services: how components find each other. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/host_private.h"

static void append(struct toll_host *h, struct toll_host_service *s)
{
	struct toll_host_service **end = &h->services;

	while (*end)
		end = &(*end)->next;
	*end = s;
}

int toll_host_publish(struct toll_host *h, const char *service, const char *id, void *object)
{
	size_t service_size = strlen(service) + 1, id_size = strlen(id) + 1;
	struct toll_host_service *s = malloc(sizeof(*s) + service_size + id_size);
	char *text;

	if (!s)
		return TOLL_ENOMEM;
	text = (char *)(s + 1);
	memcpy(text, service, service_size);
	memcpy(text + service_size, id, id_size);
	*s = (struct toll_host_service){
		.object = object, .tag = h->starting, .service = text, .id = text + service_size
	};
	pthread_mutex_lock(&h->services_lock);
	append(h, s);
	pthread_mutex_unlock(&h->services_lock);
	return 0;
}

/* The one that starts depends on what it has found, or on there being none. */
static void note(struct toll_host_tag *tag, const struct toll_host_service *s, bool by_name)
{
	if (!by_name || !s || !s->tag || tag->found_count == TOLL_TAG_FOUND_MAX)
		tag->looked_around = true;
	if (s && s->tag && tag->found_count < TOLL_TAG_FOUND_MAX)
		tag->found[tag->found_count++] = s->tag;
}

/* Under the lock. */
static struct toll_host_service *find(const struct toll_host *h, const char *service,
                                      const char *id)
{
	struct toll_host_service *s;

	for (s = h->services; s; s = s->next)
		if (strcmp(s->service, service) == 0 && (!id || strcmp(s->id, id) == 0) &&
		    !s->leaving && !(s->tag && atomic_load(&s->tag->hidden)))
			break;
	return s;
}

void *toll_host_find(struct toll_host *h, const char *service, const char *id)
{
	struct toll_host_service *s;
	void *object;

	pthread_mutex_lock(&h->services_lock);
	s = find(h, service, id);
	object = s ? s->object : NULL;
	if (h->starting)
		note(h->starting, s, id != NULL);
	pthread_mutex_unlock(&h->services_lock);
	return object;
}

void *toll_host_hold(struct toll_host *h, const char *service, const char *id)
{
	struct toll_host_service *s;
	void *object = NULL;

	pthread_mutex_lock(&h->services_lock);
	s = find(h, service, id);
	if (s) {
		object = s->object;
		s->held++;
	}
	pthread_mutex_unlock(&h->services_lock);
	return object;
}

void toll_host_drop(struct toll_host *h, void *object)
{
	if (!object)
		return;
	pthread_mutex_lock(&h->services_lock);
	for (struct toll_host_service *s = h->services; s; s = s->next)
		if (s->object == object && s->held) {
			s->held--;
			break;
		}
	pthread_cond_broadcast(&h->services_dropped);
	pthread_mutex_unlock(&h->services_lock);
}

/* Under the lock: nobody finds it from here on. How many hold it. */
static unsigned leave(struct toll_host *h, const void *object)
{
	unsigned held = 0;

	for (struct toll_host_service *s = h->services; s; s = s->next)
		if (s->object == object) {
			s->leaving = true;
			held += s->held;
		}
	return held;
}

void toll_host_withdraw(struct toll_host *h, void *object)
{
	struct toll_host_service **at, *s;

	pthread_mutex_lock(&h->services_lock);
	while (leave(h, object))
		pthread_cond_wait(&h->services_dropped, &h->services_lock);
	for (at = &h->services; (s = *at);) {
		if (s->object == object) {
			*at = s->next;
			free(s);
		} else {
			at = &s->next;
		}
	}
	pthread_mutex_unlock(&h->services_lock);
}

void toll_host_starts(struct toll_host *h, struct toll_host_tag *tag)
{
	h->starting = tag;
	if (!tag)
		return;
	tag->looked_around = false;
	tag->found_count = 0;
}

void toll_host_services_release(struct toll_host *h)
{
	struct toll_host_service *next;

	for (struct toll_host_service *s = h->services; s; s = next) {
		next = s->next;
		free(s);
	}
	h->services = NULL;
}
