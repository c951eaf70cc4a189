/* The city's registry signed by an office's root, version after version, with the texts of the
 * realm. For tests only. */
#ifndef REFERRAL_TESTS_CITY_REGISTRY_H
#define REFERRAL_TESTS_CITY_REGISTRY_H

#include "city_support.h"

/* After city_open: version 1 is pinned by all desks, and the broker works by it. */
void city_registry_begin(void);
/* Signs the next version, and the broker works by it from its next turn on. */
void city_registry_publish(void);
uint64_t city_registry_at(size_t desk); /* the version in force there */
void city_registry_end(void);

#endif
