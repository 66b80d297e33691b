/*
 * address_internal.h - what address.c and endpoint.c share; not installed, not for programs.
 */
#ifndef ECHOLAB_ADDRESS_INTERNAL_H
#define ECHOLAB_ADDRESS_INTERNAL_H

#include "address.h"

/*
 * Parses `v6` or `v6%zone` without looking the zone up; *zone points into `text` or is NULL.
 * Sets *why only for what is IPv6 beyond doubt but wrong in its zone.
 */
bool el_literal_v6(const char *text, struct in6_addr *ip, const char **zone, const char **why);

#endif
