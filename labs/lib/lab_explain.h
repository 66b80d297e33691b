/*
 * lab_explain.h - what an errno means to who writes sockets, and which word was probably meant.
 */
#ifndef ECHOLAB_LAB_EXPLAIN_H
#define ECHOLAB_LAB_EXPLAIN_H

#include <stddef.h>
#include <stdio.h>

/*
 * Tells the errno that `word` names (ECONNREFUSED, in any case), or numbers on this machine (111),
 * from the table at `path`: name, meaning, on the wire, lab, see. 0; 1: the table cannot be read
 * (told on stderr); 2: no such errno, and the nearest names are told on stderr.
 */
int explain_errno(const char *path, const char *word, size_t width, FILE *out);

/* How many letters must be changed, added, left out or swapped to make one word of the other, without
 * regard to case. */
size_t word_distance(const char *a, const char *b);

/* The index of the candidate that is nearest to `word`; `count` if none is near enough to be meant:
 * more than a third of its letters would be wrong. One that begins with `word` is near. */
size_t nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
