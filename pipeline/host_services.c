/* SPDX-License-Identifier: Apache-2.0 */
/* host_services.c - named services: how components find each other. Main thread only. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/host_private.h"

int toll_host_publish(struct toll_host *h, const char *service, const char *id, void *object)
{
	size_t service_size = strlen(service) + 1, id_size = strlen(id) + 1;
	struct toll_host_service *s = malloc(sizeof(*s) + service_size + id_size);
	struct toll_host_service **end = &h->services;
	char *text;

	if (!s)
		return TOLL_ENOMEM;
	text = (char *)(s + 1);
	memcpy(text, service, service_size);
	memcpy(text + service_size, id, id_size);
	*s = (struct toll_host_service){ NULL, object, text, text + service_size };
	while (*end)
		end = &(*end)->next;
	*end = s;
	return 0;
}

void *toll_host_find(struct toll_host *h, const char *service, const char *id)
{
	for (struct toll_host_service *s = h->services; s; s = s->next)
		if (strcmp(s->service, service) == 0 && (!id || strcmp(s->id, id) == 0))
			return s->object;
	return NULL;
}

void toll_host_withdraw(struct toll_host *h, void *object)
{
	struct toll_host_service **at = &h->services, *s;

	while ((s = *at)) {
		if (s->object == object) {
			*at = s->next;
			free(s);
		} else {
			at = &s->next;
		}
	}
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
