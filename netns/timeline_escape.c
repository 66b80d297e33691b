/*
 * timeline_escape.c - foreign text inside of markup.
 *
 * Teaches:  whatever came from outside is escaped at one place, and that place knows all of it: markup's
 *           own characters, bytes that are no UTF-8, and characters that XML does not allow even when they
 *           are escaped (XML 1.0, section 2.2). [#escape-once]
 * Partner:  timeline_svg.h
 */
#include "timeline_svg.h"

/* Bytes of the well-formed UTF-8 character at `at`, 0 if it is none (or one that XML forbids). */
static size_t good_character(const unsigned char *at)
{
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f;
    size_t length = at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90) ||
                  (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe) || at[0] > 0xf4;
    return overlong || beyond ? 0 : length;
}

void timeline_escape(FILE *out, const char *text)
{
    while (*text != '\0') {
        size_t length = good_character((const unsigned char *)text);
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            if (length == 0)
                fputs("\xef\xbf\xbd", out); /* U+FFFD: here was something that is no text */
            else
                fwrite(text, 1, length, out);
            break;
        }
        text += length == 0 ? 1 : length;
    }
}
