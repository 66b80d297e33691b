/*
 * packet_kmsg.c - one record of the kernel's log, as /dev/kmsg gives it.
 *
 * Teaches:  each read(2) of /dev/kmsg is one record, "6,339,5140900,-;text", followed by lines
 *           " KEY=VALUE" that say more; bytes that are not printable are escaped as \\xHH, so that a
 *           newline in somebody's message cannot forge a record. The number that grows by one with
 *           each record is what tells a reader how many it has missed.
 * Source:   the kernel's Documentation/ABI/testing/dev-kmsg.
 * Partner:  packet_kernel.c reads the text; netns/kernel_log.c the device.
 */
#include "packet_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number and the character behind it. False: no digit, too large, or another character. */
static bool take_number(const char **at, uint64_t max, char end, uint64_t *value)
{
    char *rest;
    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    *value = strtoull(*at, &rest, 10);
    if (errno != 0 || *value > max || *rest != end)
        return false;
    *at = rest + 1;
    return true;
}

static void unescape(const char *from, char *text, size_t size)
{
    size_t used = 0;
    while (*from != '\0' && *from != '\n' && used + 1 < size) {
        int high = from[0] == '\\' && from[1] == 'x' ? el_hex_digit(from[2]) : -1;
        int low = high < 0 ? -1 : el_hex_digit(from[3]);
        text[used++] = low < 0 ? *from : (char)(high << 4 | low);
        from += low < 0 ? 1 : 4;
    }
    text[used] = '\0';
}

int el_kmsg_parse(const char *line, struct el_kmsg *record)
{
    uint64_t priority, microseconds;
    const char *text = strchr(line, ';');
    if (text == NULL || !take_number(&line, UINT16_MAX, ',', &priority) ||
        !take_number(&line, UINT64_MAX, ',', &record->sequence))
        return -EBADMSG;
    /* More fields may follow the flags, and a later kernel may add some: all is skipped up to ';'. */
    const char *time = line;
    if (!take_number(&time, (uint64_t)INT64_MAX / EL_US, ',', &microseconds))
        return -EBADMSG;
    record->priority = (unsigned)priority;
    record->at = (el_time)microseconds * EL_US;
    unescape(text + 1, record->text, sizeof record->text);
    return 0;
}
