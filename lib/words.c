/*
 * words.c - see words.h.
 */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>

void el_say(struct el_words *words, const char *format, ...)
{
    size_t room = words->size - words->used;
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(words->text + words->used, room, format, arguments);
    va_end(arguments);
    if (more > 0)
        words->used += (size_t)more < room ? (size_t)more : room - 1;
}
