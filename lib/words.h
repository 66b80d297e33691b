/*
 * words.h - a text that grows in a buffer of fixed size; what does not fit is cut off.
 *
 * snprintf(3) tells how long the text would have been, so adding its results up runs past the end.
 * Here `used` never does, and the text always ends with a NUL.
 */
#ifndef ECHOLAB_WORDS_H
#define ECHOLAB_WORDS_H

#include <stddef.h>

/* Begin with {.text = buffer, .size = sizeof buffer} and buffer[0] = '\0'; size > 0. */
struct el_words {
    char *text; /* borrowed */
    size_t size, used;
};

/* Appends, as printf(3) would print it. */
__attribute__((format(printf, 2, 3))) void el_say(struct el_words *words, const char *format, ...);

#endif
