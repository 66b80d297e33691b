/* timeline_cause.h - between timeline_cause.c, timeline_effect.c and timeline_wait.c. */
#ifndef ECHOLAB_TIMELINE_CAUSE_H
#define ECHOLAB_TIMELINE_CAUSE_H

#include "timeline.h"

#include <stdarg.h>

/* May a call have made a packet leave, by the stamps? */
bool timeline_may_cause(const struct timeline_call *call,
                        const struct timeline_sighting *departure);

/* Call `number` made a packet leave: after its entry for certain, before its return as likely. */
void timeline_sent(struct timeline *timeline, uint32_t number, uint32_t sighting);

/* Call `number` returned after a packet (or NONE) had arrived. */
void timeline_came(struct timeline *timeline, uint32_t number, uint32_t sighting);

/* Writes the words `did` or `got` of a call. */
__attribute__((format(printf, 2, 3))) void timeline_say(char *words, const char *format, ...);

/*
 * The first segment of a TCP socket, from sighting `from` on, with all of the flags `with` and none of
 * `without`, or NONE.
 */
uint32_t timeline_find(const struct timeline *timeline, const struct timeline_socket *socket,
                       bool leaves, uint8_t with, uint8_t without, uint32_t from);

/* A call that failed, or read the error queue: after the packet that brought the news. */
void timeline_failed(struct timeline *timeline, uint32_t number);

/*
 * What made a call fail, or tells a wait so: the arrival of a reset or of an ICMP error, or NONE. Which
 * it is, is written to `name`.
 */
uint32_t timeline_bad_news(const struct timeline *timeline, uint32_t number,
                           const struct timeline_socket *socket, char *name, size_t size);

void timeline_explain_wait(struct timeline *timeline, uint32_t number);
void timeline_explain_option(struct timeline *timeline, uint32_t number);
void timeline_explain_send(struct timeline *timeline, uint32_t number);
void timeline_explain_receive(struct timeline *timeline, uint32_t number);

#endif
