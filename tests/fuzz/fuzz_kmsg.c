/*
 * fuzz_kmsg.c - records of /dev/kmsg, and in them the packets that the kernel's LOG target wrote.
 *
 * Input:    the record; its first line is read, as netns/kernel_log.c does. If it is no record, it is tried as the text of one.
 * Asserted: it is a record, or refused; its text fits and has no NUL in it; a packet in it is told of in lines that fit, end
 *           and are printable; the packet written down as a record (packet_record.c) reads back as one that says the same.
 * Run:      make fuzz FUZZ=kmsg
 */
#include "fuzz.h"
#include "fuzz_packet.h"
#include "kernel_log.h"

#include <errno.h>

static void check_text(const char *text)
{
    struct el_packet packet;
    int error = el_packet_parse_kernel(text, "4f3a", &packet);
    fuzz_holds(error == 0 || error == -ENOENT || error == -EBADMSG);
    if (error < 0)
        return;
    fuzz_holds(packet.host[0] != '\0' && fuzz_printable(packet.host));
    fuzz_holds(fuzz_printable(packet.in) && fuzz_printable(packet.out));
    fuzz_holds(packet.number == 0 && packet.at == 0 && packet.source_name[0] == '\0');
    fuzz_packet_check(&packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct el_kmsg record;
    char *line = fuzz_text(&input, '\n');
    int error = el_kmsg_parse(line, &record);
    fuzz_holds(error == 0 || error == -EBADMSG);
    if (error == 0) {
        fuzz_holds(memchr(record.text, '\0', sizeof record.text) != NULL);
        fuzz_holds(strchr(line, ';') != NULL && record.at >= 0);
        check_text(record.text);
    } else {
        check_text(line);
    }
    free(line);
    return 0;
}
