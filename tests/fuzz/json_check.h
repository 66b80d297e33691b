/* json_check.h - is this JSON, to the letter of RFC 8259? See json_check.c. */
#ifndef ECHOLAB_JSON_CHECK_H
#define ECHOLAB_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* One document, UTF-8, nothing but white space round it. No member is named twice is not asked. */
bool json_is_valid(const char *text, size_t length);

#endif
