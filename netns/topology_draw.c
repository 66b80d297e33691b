#include "topology.h"
int topology_draw(const struct topology *topology, bool utf8, FILE *out){(void)topology;(void)utf8;(void)out;return 0;}
