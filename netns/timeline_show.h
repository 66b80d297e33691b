/* timeline_show.h - the four ways to show a timeline. Each writes to a FILE and asks nothing back: the
 * caller asks ferror(3). 0, or -ENOMEM. */
#ifndef ECHOLAB_TIMELINE_SHOW_H
#define ECHOLAB_TIMELINE_SHOW_H

#include "timeline_rows.h"

enum {
    TIMELINE_TEXT_TIME = 10,
    TIMELINE_TEXT_COLUMN = 20
}; /* columns for times; for a host, at least */

struct timeline_look {
    size_t width; /* columns of a terminal */
    bool ascii, colours;
};

int timeline_text(const struct timeline *timeline, const struct timeline_look *look, FILE *out);
int timeline_svg(const struct timeline *timeline, FILE *out);
int timeline_html(const struct timeline *timeline, FILE *out);
int timeline_json(const struct timeline *timeline, FILE *out);

#endif
