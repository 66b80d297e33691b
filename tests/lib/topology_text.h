/*
 * topology_text.h - topologies as texts, for the tests of the lab network's language.
 */
#ifndef ECHOLAB_TOPOLOGY_TEXT_H
#define ECHOLAB_TOPOLOGY_TEXT_H

#include "topology.h"

/* The names of the topologies that are shipped, NULL-ended. */
extern const char *const shipped_topologies[];

/* The text of one of them; valid until the next call. Ends the test when it cannot be read. */
const char *shipped_text(const char *name, size_t *length);

/* `text` must be accepted; the topology is valid until the next call. */
struct topology *topology_of(const char *text);

/* In normal form; the caller frees it. */
char *topology_normal(const struct topology *topology);

#endif
