/* timeline_svg.h - between timeline_svg.c and timeline_html.c. */
#ifndef ECHOLAB_TIMELINE_SVG_H
#define ECHOLAB_TIMELINE_SVG_H

#include "timeline_rows.h"

/* Writes text so that XML (and HTML) reads it as text: markup escaped, what XML forbids replaced. */
void timeline_escape(FILE *out, const char *text);

/* The picture. `page`: as a part of a page, its rows reachable by keyboard. 0 or -ENOMEM. */
int timeline_draw(const struct timeline *timeline, bool page, FILE *out);

#endif
