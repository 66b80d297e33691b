/*
 * packet_record.c - one record of the packet log as a line of text, and back.
 *
 * Teaches:  a format for exchange holds what cannot be worked out again, and no more. The headers are
 *           in the packet's bytes, so the bytes are written (in hexadecimal), and reading decodes them
 *           with the same code as the collector did.
 * Format:   packet NUMBER AT STAMP HOST HOOK IN OUT MARK HASH SOURCE-NAME DESTINATION-NAME HARDWARE
 *           BYTES PREFIX; times in nanoseconds, "-" for what is empty, the prefix last because it
 *           may have blanks in it.
 * Partner:  packets.h; `packet_log show --format=record` writes these, netns/timeline.c reads them.
 */
#include "packet_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *or_dash(const char *word)
{
    return word[0] == '\0' ? "-" : word;
}

static void print_hex(char *text, size_t size, const uint8_t *bytes, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length && used + 3 <= size; i++, used += 2)
        snprintf(text + used, 3, "%02x", bytes[i]);
    if (used == 0)
        snprintf(text, size, "-");
}

const char *el_packet_print_record(const struct el_packet *packet, char *text, size_t size)
{
    char hardware[2 * sizeof packet->hardware + 1], raw[2 * EL_PACKET_RAW + 1];
    print_hex(hardware, sizeof hardware, packet->hardware, packet->hardware_length);
    print_hex(raw, sizeof raw, packet->raw, packet->raw_length);
    snprintf(text, size,
             "packet %" PRIu64 " %" PRId64 " %" PRId64 " %s %u %s %s %" PRIu32 " %08" PRIx32
             " %s %s %s %s %s",
             packet->number, packet->at, packet->stamp, or_dash(packet->host), packet->hook,
             or_dash(packet->in), or_dash(packet->out), packet->mark, packet->checksum,
             or_dash(packet->source_name), or_dash(packet->destination_name), hardware, raw,
             packet->prefix);
    return text;
}

/* How many bytes the digits were, or -EBADMSG; "-" is none. */
static int parse_hex(const char *text, uint8_t *bytes, size_t max)
{
    size_t length = 0;
    if (strcmp(text, "-") == 0)
        return 0;
    for (; text[0] != '\0'; text += 2) {
        int high = el_hex_digit(text[0]), low = high < 0 ? -1 : el_hex_digit(text[1]);
        if (low < 0 || length == max)
            return -EBADMSG;
        bytes[length++] = (uint8_t)(high << 4 | low);
    }
    return (int)length;
}

static void parse_name(char *name, size_t size, const char *word)
{
    snprintf(name, size, "%s", strcmp(word, "-") == 0 ? "" : word);
}

int el_packet_parse_record(const char *line, struct el_packet *packet)
{
    char host[EL_HOST_NAME_MAX], in[EL_INTERFACE_MAX], out[EL_INTERFACE_MAX];
    char source[EL_HOST_NAME_MAX], destination[EL_HOST_NAME_MAX];
    char hardware[2 * sizeof packet->hardware + 1], raw[2 * EL_PACKET_RAW + 1];
    uint8_t bytes[EL_PACKET_RAW];
    unsigned hook;
    int rest = -1;

    memset(packet, 0, sizeof *packet);
    uint32_t mark, hash;
    /* The widths are the arrays' sizes less one; a longer word makes the next field wrong, so it is
     * refused. */
    int got = sscanf(line,
                     "packet %" SCNu64 " %" SCNd64 " %" SCNd64 " %31s %u %15s %15s %" SCNu32
                     " %8" SCNx32 " %31s %31s %28s %256s%n",
                     &packet->number, &packet->at, &packet->stamp, host, &hook, in, out, &mark,
                     &hash, source, destination, hardware, raw, &rest);
    if (got != 13 || rest < 0 || hook > UINT8_MAX)
        return -EBADMSG;
    int hardware_length = parse_hex(hardware, packet->hardware, sizeof packet->hardware);
    int length = parse_hex(raw, bytes, sizeof bytes);
    if (hardware_length < 0 || length <= 0 || el_packet_decode(bytes, (size_t)length, packet) < 0)
        return -EBADMSG;
    packet->hardware_length = (uint8_t)hardware_length;
    packet->hook = (uint8_t)hook;
    packet->mark = mark;
    packet->checksum =
        hash; /* of all that the collector saw, which may be more than is kept here */
    parse_name(packet->host, sizeof packet->host, host);
    parse_name(packet->in, sizeof packet->in, in);
    parse_name(packet->out, sizeof packet->out, out);
    parse_name(packet->source_name, sizeof packet->source_name, source);
    parse_name(packet->destination_name, sizeof packet->destination_name, destination);
    line += rest;
    line += *line == ' ';
    snprintf(packet->prefix, sizeof packet->prefix, "%.*s", (int)strcspn(line, "\n"), line);
    return 0;
}
