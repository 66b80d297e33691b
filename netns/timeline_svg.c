#include "timeline_show.h"
int timeline_svg(const struct timeline *t, FILE *o){(void)t;(void)o;return 0;}
int timeline_html(const struct timeline *t, FILE *o){(void)t;(void)o;return 0;}
int timeline_json(const struct timeline *t, FILE *o){(void)t;(void)o;return 0;}
