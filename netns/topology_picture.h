/*
 * topology_picture.h - boxes with lines of text, and the rails that they are connected to.
 */
#ifndef ECHOLAB_TOPOLOGY_PICTURE_H
#define ECHOLAB_TOPOLOGY_PICTURE_H

#include "topology.h"

enum {
    PICTURE_TEXT = 64,
    /* an interface, each further address, what a link is like; routes; a nat line and its servers; a
     * line for the DNS server */
    PICTURE_LINES = 2 * TOPOLOGY_PLUGS + TOPOLOGY_ADDRESSES + TOPOLOGY_ROUTES +
                    TOPOLOGY_NATS * (1 + TOPOLOGY_SERVERS) + 1,
    PICTURE_RAILS = TOPOLOGY_SWITCHES + TOPOLOGY_LINKS
};

struct picture_line {
    char text[PICTURE_TEXT];
    char label[2 * TOPOLOGY_NAME + 1]; /* on the way to the rail */
    int rail;                          /* -1: nowhere */
};

struct picture_box {
    const char *name; /* the topology's */
    enum topology_kind kind;
    size_t first, lines; /* in picture.line */
    size_t width;        /* with its frame */
    size_t y;
    bool right, placed;
};

struct picture_rail {
    const char *name; /* "" for a cable */
    bool is_switch;
    size_t x;
};

struct picture {
    size_t boxes, lines, rails;
    struct picture_box box[TOPOLOGY_PLACES];
    struct picture_line line[PICTURE_LINES];
    struct picture_rail rail[PICTURE_RAILS];
    bool two_sided;
    size_t x[2], box_width[2]; /* of the left and the right column of boxes */
    size_t width, height;
};

/* What stands on the line to a switch: its port, or nothing, or SWITCH:PORT. */
enum picture_labels { PICTURE_PORT, PICTURE_NO_LABEL, PICTURE_SWITCH_AND_PORT };

/* Fills in boxes, lines and rails; not where they stand. */
void picture_fill(struct picture *picture, const struct topology *topology,
                  enum picture_labels labels);

#endif
