/* packet_check.c - see fuzz_packet.h. */
#include "fuzz_packet.h"

#include "fuzz.h"
#include "packet_format.h"

static void check_line(const char *line, const char *text, size_t size)
{
    fuzz_holds(line == text && strlen(line) < size - 1 && fuzz_printable(line));
}

/* A line must be the same for the packet that its record reads back as. */
static void check_record(const struct el_packet *packet)
{
    char record[EL_PACKET_RECORD], again[EL_PACKET_RECORD];
    char line[EL_PACKET_LINE], line_again[EL_PACKET_LINE];
    struct el_packet back;
    if (packet->raw_length == 0)
        return; /* all of it comes from its bytes */
    check_line(el_packet_print_record(packet, record, sizeof record), record, sizeof record);
    fuzz_holds(el_packet_parse_record(record, &back) == 0);
    el_packet_print_record(&back, again, sizeof again);
    fuzz_holds(strcmp(record, again) == 0);
    fuzz_holds(back.ttl == packet->ttl);
    fuzz_holds(el_address_same_host(&back.source, &packet->source));
    fuzz_holds(el_address_same_host(&back.destination, &packet->destination));
    if (packet->missing != 0 || packet->raw_length == EL_PACKET_RAW)
        return; /* what is missing, and what stood behind the bytes that are kept, is not told */
    el_packet_print(packet, line, sizeof line);
    el_packet_print(&back, line_again, sizeof line_again);
    fuzz_holds(strcmp(line, line_again) == 0);
}

void fuzz_packet_check(const struct el_packet *packet)
{
    char text[EL_PACKET_LINE], few[20];
    struct el_packet quoted;
    check_line(el_packet_print(packet, text, sizeof text), text, sizeof text);
    check_line(el_packet_print_kernel(packet, text, sizeof text), text, sizeof text);
    check_line(el_packet_print_note(packet, text, sizeof text), text, sizeof text);
    el_packet_print(packet, few, sizeof few); /* what does not fit is cut off, within its bounds */
    el_packet_print_kernel(packet, few, sizeof few);
    fuzz_holds(el_packet_kind(packet) <= EL_KIND_OTHER);
    fuzz_holds(packet->raw_length <= EL_PACKET_RAW &&
               packet->hardware_length <= sizeof packet->hardware);
    if (el_packet_quoted(packet, &quoted))
        fuzz_holds(quoted.raw_length <= packet->raw_length);
    check_record(packet);
}
