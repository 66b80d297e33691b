/*
 * timeline_rows.h - what a reader sees of a timeline: rows, and words for them.
 *
 * Two events may be one row: a call that entered and returned with nothing in between, a packet that
 * left and arrived. Read next: timeline_rows.c, timeline_words.c.
 */
#ifndef ECHOLAB_TIMELINE_ROWS_H
#define ECHOLAB_TIMELINE_ROWS_H

#include "timeline.h"

enum timeline_row_kind {
    TIMELINE_ROW_CALL,  /* entered and returned */
    TIMELINE_ROW_ENTRY, /* entered; the return is a row of its own, or never came */
    TIMELINE_ROW_RETURN,
    TIMELINE_ROW_ARROW,  /* left one host and arrived on another */
    TIMELINE_ROW_LEAVE,  /* left; it arrives later, or never, or where nobody logs */
    TIMELINE_ROW_ARRIVE, /* arrived; it left earlier, or from where nobody logs */
    TIMELINE_ROW_FATE,   /* of a packet whose departure was not logged */
    TIMELINE_ROW_STATE,
    TIMELINE_ROW_END, /* a signal, or the end of a process */
};

struct timeline_row {
    enum timeline_row_kind kind;
    el_time at;
    uint32_t host;  /* where it happened; of a packet where it left, if that is known */
    uint32_t other; /* the host at a packet's other end, NONE when it is not one of ours */
    uint32_t of;    /* call, sighting (of an arrow its departure), fate, state or end */
    uint32_t event; /* the first event */
};

/* All rows in their order; *count of them. NULL: no memory. The caller frees. */
struct timeline_row *timeline_rows(const struct timeline *timeline, size_t *count);

/* Milliseconds since time zero. */
double timeline_ms(const struct timeline *timeline, el_time at);

/*
 * Words. `size` bytes at `text`, returned; TIMELINE_WORDS holds each. Arrows and the like are UTF-8.
 * Nothing that a foreign program wrote comes out other than as printable ASCII.
 */
const char *timeline_row_words(const struct timeline *timeline, const struct timeline_row *row,
                               char *text, size_t size);
/* A packet in words: `level` 0 says most, 3 least. */
const char *timeline_packet_words(const struct timeline *timeline, uint32_t number, unsigned level,
                                  char *text, size_t size);
/* What happened to it on the way, "" when nothing did: "delay 20.1ms", "drop", "resent". */
const char *timeline_packet_fate(const struct timeline *timeline, uint32_t number, char *text,
                                 size_t size);
/* The header fields: for hovering, and for readers who cannot see the arrow. size >= 512. */
const char *timeline_packet_fields(const struct timeline *timeline, uint32_t number, char *text,
                                   size_t size);
/* "server:7007", "10.9.9.9:80"; "-" when there is none. */
const char *timeline_end_words(const struct timeline *timeline, const struct el_address *address,
                               char *text, size_t size);
/* The port by which a TCP connection is told from others: that of the end that began it. */
uint16_t timeline_connection(const struct timeline *timeline, const struct el_address *one,
                             const struct el_address *other);

/* A call without what it did: "connect(7, server:7007)"; and its result: "= EINPROGRESS". */
const char *timeline_call_words(const struct timeline *timeline, const struct timeline_call *call,
                                char *text, size_t size);
const char *timeline_result_words(const struct timeline *timeline, const struct timeline_call *call,
                                  char *text, size_t size);

/*
 * What a row's words leave out: the whole call as strace wrote it, or the header fields. Never empty.
 * size >= 512.
 */
const char *timeline_row_details(const struct timeline *timeline, const struct timeline_row *row,
                                 char *text, size_t size);
/* A row in one sentence, with its host and its peer: for readers who do not see the picture. */
const char *timeline_row_sentence(const struct timeline *timeline, const struct timeline_row *row,
                                  char *text, size_t size);

/* Was a packet that left lost on its way to one of our hosts? */
bool timeline_is_lost(const struct timeline *timeline, uint32_t sighting);
/* The host where a packet that left is going, or that sent one that arrived; NONE: not ours. */
uint32_t timeline_other_end(const struct timeline *timeline, uint32_t sighting);

/* What is told above and below the picture, line by line, to `line`. */
void timeline_heading(const struct timeline *timeline, void (*line)(void *, const char *),
                      void *argument);
void timeline_legend(const struct timeline *timeline, void (*line)(void *, const char *),
                     void *argument);

#endif
