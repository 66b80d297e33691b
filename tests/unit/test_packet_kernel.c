/*
 * test_packet_kernel.c - the kernel's log: its records, and the lines that LOG rules write there.
 *
 * The lines were recorded in a world on Linux 6.18, but for the addresses of the machine.
 */
#include "kernel_log.h"
#include "packets.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAC_LINE "MAC=02:00:00:00:77:04:02:00:00:00:77:02:08:00 "

static const char syn_line[] =
    "[beef client TCP] IN= OUT=eth0 SRC=10.77.0.1 DST=10.77.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 "
    "ID=39872 DF PROTO=TCP SPT=46504 DPT=7007 WINDOW=64240 RES=0x00 SYN URGP=0 ";
static const char data_line[] =
    "[beef server TCP] IN=eth0 OUT= " MAC_LINE
    "SRC=10.77.0.1 DST=10.77.0.2 LEN=116 TOS=0x00 PREC=0x00 TTL=64 ID=54433 DF PROTO=TCP SPT=46512 "
    "DPT=7007 WINDOW=63 RES=0x00 ACK PSH URGP=0 ";
static const char whole_line[] = /* --log-tcp-sequence --log-tcp-options --log-uid */
    "[beef server OPT] IN=eth0 OUT= " MAC_LINE
    "SRC=10.77.0.1 DST=10.77.0.2 LEN=116 TOS=0x00 PREC=0x00 TTL=64 ID=54433 DF PROTO=TCP SPT=46512 "
    "DPT=7007 SEQ=1554961799 ACK=980200111 WINDOW=63 RES=0x00 ACK PSH URGP=0 OPT "
    "(0101080A374CE7D3459427A0) UID=65534 GID=65534 ";
static const char udp6_line[] =
    "[beef client UDP] IN= OUT=eth0 SRC=fd77:0000:0000:0000:0000:0000:0000:0001 "
    "DST=fd77:0000:0000:0000:0000:0000:0000:0002 LEN=112 TC=0 HOPLIMIT=64 FLOWLBL=97501 PROTO=UDP "
    "SPT=36557 DPT=7007 LEN=72 ";
static const char refused_line[] =
    "[beef server ICMP] IN= OUT=eth0 SRC=10.77.0.2 DST=10.77.0.1 LEN=120 TOS=0x00 PREC=0xC0 TTL=64 "
    "ID=58761 PROTO=ICMP TYPE=3 CODE=3 [SRC=10.77.0.1 DST=10.77.0.2 LEN=92 TOS=0x00 PREC=0x00 "
    "TTL=64 ID=31898 DF PROTO=UDP SPT=35179 DPT=7007 LEN=72 ] MARK=0x2a ";
static const char echo_line[] =
    "[beef server ICMP] IN=eth0 OUT= " MAC_LINE
    "SRC=10.77.0.1 DST=10.77.0.2 LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=14049 DF PROTO=ICMP TYPE=8 "
    "CODE=0 ID=60871 SEQ=1 ";
/* From the sources of the kernel: a quote that is shorter than its header, and a path's MTU. */
static const char mtu_line[] =
    "[beef r ICMP] IN= OUT=eth0 SRC=10.77.0.9 DST=10.77.0.1 LEN=56 TOS=0x00 PREC=0xC0 TTL=64 ID=1 "
    "PROTO=ICMP TYPE=3 CODE=4 [SRC=10.77.0.1 DST=10.77.0.2 LEN=1500 TOS=0x00 PREC=0x00 TTL=63 ID=7 "
    "DF PROTO=TCP SPT=46512 DPT=7007 INCOMPLETE [8 bytes] ] MTU=600 ";

static struct el_packet parsed(const char *line)
{
    struct el_packet packet;
    ck_assert_int_eq(el_packet_parse_kernel(line, "beef", &packet), 0);
    return packet;
}

/* ---- records --------------------------------------------------------------------------------- */

START_TEST(a_record_has_its_numbers_and_its_text)
{
    struct el_kmsg record;
    ck_assert_int_eq(
        el_kmsg_parse("4,1073,1293629123,-;[beef client TCP] IN= OUT=eth0 \n", &record), 0);
    ck_assert_uint_eq(record.priority, 4);
    ck_assert_uint_eq(record.sequence, 1073);
    ck_assert_int_eq(record.at, 1293629123 * EL_US);
    ck_assert_str_eq(record.text, "[beef client TCP] IN= OUT=eth0 ");
    /* A later kernel may add fields; with CONFIG_PRINTK_CALLER this one has four. */
    ck_assert_int_eq(el_kmsg_parse("30,2,7,-,caller=T1,new=2;text; more", &record), 0);
    ck_assert_str_eq(record.text, "text; more");
}
END_TEST

START_TEST(escapes_are_resolved_and_nothing_else_is)
{
    struct el_kmsg record;
    ck_assert_int_eq(el_kmsg_parse("6,1,1,-;a\\x20b\\x0ac\\x5cx41 \\x4 \\q", &record), 0);
    ck_assert_str_eq(record.text, "a b\nc\\x41 \\x4 \\q");
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    struct el_kmsg record;
    static const char *const lines[] = {"",
                                        "\n",
                                        " SUBSYSTEM=net",
                                        " DEVICE=+a:1;2,3,4",
                                        "6,1;text",
                                        "6,1,1;text",
                                        "6,1,1,-",
                                        "-6,1,1,-;text",
                                        "6,99999999999999999999,1,-;text",
                                        "6,1,9223372036854775807,-;text",
                                        "x,1,1,-;text"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(el_kmsg_parse(lines[i], &record) == -EBADMSG, "%s", lines[i]);
}
END_TEST

/* ---- lines of LOG rules ---------------------------------------------------------------------- */

START_TEST(a_syn_is_read_field_by_field)
{
    char text[EL_ADDRESS_TEXT];
    struct el_packet packet = parsed(syn_line);
    ck_assert_str_eq(packet.host, "client");
    ck_assert_str_eq(packet.prefix, "[TCP] ");
    ck_assert_str_eq(packet.out, "eth0");
    ck_assert_str_eq(packet.in, "");
    ck_assert(el_packet_leaves(&packet));
    ck_assert_str_eq(el_address_print(&packet.source, text), "10.77.0.1:46504");
    ck_assert_uint_eq(packet.length, 60);
    ck_assert_uint_eq(packet.id, 39872);
    ck_assert_uint_eq(packet.tcp_flags, TH_SYN);
    ck_assert_uint_eq(packet.window, 64240);
    ck_assert_uint_eq(packet.payload, 0); /* what is behind the least header of a SYN is options */
    ck_assert_uint_eq(packet.missing, EL_MISSING_SEQUENCE);
}
END_TEST

/* An error names the ends of the packet that it is about, where it knows them: from whom it comes, and to whom. */
START_TEST(the_packet_that_an_error_is_about_has_the_names_that_the_error_knows)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = parsed(refused_line);
    strcpy(packet.source_name, "server");
    strcpy(packet.destination_name, "client");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server >  ICMP  server > client  port unreachable  "
                     "(about UDP client:35179 > server:7007)");
    packet.source.in.sin_addr.s_addr = htonl(0x0a4d0063); /* a router says it */
    strcpy(packet.source_name, "router");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server >  ICMP  router > client  port unreachable  "
                     "(about UDP client:35179 > 10.77.0.2:7007)");
}
END_TEST

/* Twenty bytes of TCP header, or 32 with timestamps? LOG does not say, so neither do we. */
START_TEST(what_a_line_does_not_say_is_missing_and_not_guessed)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = parsed(data_line);
    ck_assert_uint_eq(packet.missing, EL_MISSING_SEQUENCE | EL_MISSING_PAYLOAD);
    ck_assert_uint_eq(packet.hardware_length, 14);
    ck_assert_uint_eq(packet.hardware[5], 4);
    ck_assert(!el_packet_leaves(&packet));
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server <  TCP   10.77.0.1:46512 > 10.77.0.2:7007  PSH ACK  length 116");
    packet = parsed(whole_line);
    ck_assert_uint_eq(packet.missing, 0);
    ck_assert_uint_eq(packet.payload, 64);
    ck_assert_uint_eq(packet.seq, 1554961799);
    ck_assert_uint_eq(packet.ack, 980200111);
    ck_assert_uint_eq(packet.tcp_flags, TH_PUSH | TH_ACK);
}
END_TEST

START_TEST(ipv6_and_icmp_are_read)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = parsed(udp6_line), about;
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "client >  UDP   [fd77::1]:36557 > [fd77::2]:7007  64 bytes");
    packet = parsed(refused_line);
    ck_assert_uint_eq(packet.mark, 42);
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server >  ICMP  10.77.0.2 > 10.77.0.1  port unreachable  "
                     "(about UDP 10.77.0.1:35179 > 10.77.0.2:7007)");
    packet = parsed(echo_line);
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server <  ICMP  10.77.0.1 > 10.77.0.2  echo request seq 1");
    packet = parsed(mtu_line);
    ck_assert(el_packet_quoted(&packet, &about));
    ck_assert_uint_eq(el_address_port(&about.destination), 0); /* no whole header, so no ports */
    ck_assert(!about.whole);
}
END_TEST

/* The line that comes out is the line that went in, where LOG wrote everything into it. */
START_TEST(the_kernels_line_comes_out_as_it_went_in)
{
    static const char *const lines[] = {syn_line,     data_line, udp6_line,
                                        refused_line, echo_line, mtu_line};
    char text[EL_PACKET_LINE];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct el_packet packet = parsed(lines[i]);
        el_packet_print_kernel(&packet, text, sizeof text);
        ck_assert_str_eq(strchr(text, ']'), strchr(lines[i], ']'));
    }
}
END_TEST

START_TEST(other_lines_are_other_lines)
{
    struct el_packet packet;
    static const char *const lines[] = {
        "",
        "Linux version 6.18.44",
        "br0: port 1(client) entered forwarding state",
        "[UFW BLOCK] IN=eth0 OUT= MAC= SRC=192.0.2.1 DST=192.0.2.2 LEN=40 PROTO=TCP SPT=1 DPT=2",
        "[bee client TCP] IN= OUT=eth0 ",
        "[beefclient TCP] IN= OUT=eth0 ",
        "[beef Client TCP] IN= OUT=eth0 ",
        "[beef cli/ent TCP] IN= OUT=eth0 ",
        "[beef client] IN= OUT=eth0 ",
        "[beef client TCP]IN= OUT=eth0 ",
        "[beef client \033[31m] IN= OUT=eth0 ",
        "[beef a-name-that-is-longer-than-any-host-has TCP] IN= OUT=eth0 ",
        "[beef client a-prefix-that-is-longer-than-any-rule-has] IN= OUT=eth0 ",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(el_packet_parse_kernel(lines[i], "beef", &packet) == -ENOENT, "%s", lines[i]);
    ck_assert_int_eq(el_packet_parse_kernel("[ client TCP] IN= OUT=", "", &packet), -ENOENT);
}
END_TEST

/* Cut anywhere, a line is damaged, or says less: never something else. */
START_TEST(a_line_may_be_cut_anywhere)
{
    struct el_packet whole = parsed(whole_line), packet;
    char text[sizeof whole_line];
    size_t prefix = strlen("[beef server OPT] ");
    size_t protocol = (size_t)(strstr(whole_line, "PROTO=TCP ") - whole_line) + strlen("PROTO=TCP");
    for (size_t length = 0; length < sizeof whole_line; length++) {
        snprintf(text, sizeof text, "%.*s", (int)length, whole_line);
        int result = el_packet_parse_kernel(text, "beef", &packet);
        if (length < prefix)
            ck_assert_int_eq(result, -ENOENT);
        else if (length < strlen("[beef server OPT] IN=eth0 OUT= ")) /* "OUT=" is empty anyway */
            ck_assert_int_lt(result, 0);
        else if (length >= protocol)
            ck_assert_msg(result == 0 && packet.length == whole.length &&
                              el_address_same_host(&packet.source, &whole.source),
                          "%s", text);
    }
}
END_TEST

static void try_line(const char *text)
{
    struct el_packet packet;
    char line[EL_PACKET_RECORD];
    int result = el_packet_parse_kernel(text, "beef", &packet);
    unit_holds(result == 0 || result == -EBADMSG || result == -ENOENT, text);
    if (result < 0)
        return;
    unit_holds(strlen(el_packet_print(&packet, line, sizeof line)) < EL_PACKET_LINE, text);
    for (const char *c = line; *c != '\0'; c++)
        unit_holds((unsigned char)*c >= ' ' && *c != 0x7f, text);
    unit_holds(strlen(el_packet_print_kernel(&packet, line, sizeof line)) < EL_PACKET_LINE, text);
    for (const char *c = line; *c != '\0'; c++)
        unit_holds((unsigned char)*c >= ' ' && *c != 0x7f, text);
    el_packet_print_record(&packet, line, sizeof line);
    struct el_packet back;
    unit_holds(el_packet_parse_record(line, &back) == 0, text);
}

START_TEST(property_no_line_is_too_strange_to_read)
{
    static const char *const lines[] = {syn_line,     data_line, whole_line, udp6_line,
                                        refused_line, echo_line, mtu_line};
    static const char *const words[] = {
        "PROTO=TCP ", "PROTO=47 ", "LEN=99999999999 ", "LEN=-1 ",     "[SRC=1.2.3.4 ",
        "] ",         "OPT (",     "FRAG:8191 ",       "INCOMPLETE ", "TTL=0x1000 ",
        "SRC=:: ",    "DST= ",     "\x1b[31m ",        "\xff= "};
    char text[1200];
    for (unsigned round = 0; round < unit_rounds(40000); round++) {
        const char *line = lines[unit_random(sizeof lines / sizeof lines[0])];
        size_t length = strlen(line), cut = unit_random(length);
        switch (unit_random(3)) {
        case 0: /* bytes are changed */
            snprintf(text, sizeof text, "%s", line);
            for (unsigned change = 0; change < 3; change++)
                text[unit_random(length)] = (char)(1 + unit_random(255));
            break;
        case 1: /* a word comes in between */
            snprintf(text, sizeof text, "%.*s%s%s", (int)cut, line,
                     words[unit_random(sizeof words / sizeof words[0])], line + cut);
            break;
        default: /* two lines have become one */
            snprintf(text, sizeof text, "%.*s%s", (int)cut, line,
                     lines[unit_random(sizeof lines / sizeof lines[0])] + unit_random(60));
            break;
        }
        try_line(text);
    }
}
END_TEST

/* Any packet that LOG can write is read back as far as it was written. */
START_TEST(property_what_is_written_is_read_back)
{
    char line[EL_PACKET_LINE], text[EL_PACKET_LINE + 16], again[EL_PACKET_LINE];
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        uint8_t bytes[60];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)unit_random(256);
        size_t header = unit_random(2) ? 20 : 40;
        uint8_t protocol = (uint8_t[]){IPPROTO_TCP, IPPROTO_UDP}[unit_random(2)];
        bytes[0] = header == 20 ? 0x45 : 0x60;
        bytes[header == 20 ? 9 : 6] = protocol;
        if (header == 20)
            bytes[2] = 1, bytes[6] = 0x40, bytes[7] = 0; /* some length, DF, no fragment */
        bytes[header + 12] = 0x50;                       /* no options: LOG would not write them */
        struct el_packet packet = {.hook = NF_INET_POST_ROUTING}, back;
        ck_assert_int_eq(el_packet_decode(bytes, sizeof bytes, &packet), 0);
        snprintf(packet.out, sizeof packet.out, "eth0");
        el_packet_print_kernel(&packet, line, sizeof line);
        snprintf(text, sizeof text, "[beef a X] %s", line);
        unit_holds(el_packet_parse_kernel(text, "beef", &back) == 0, text);
        snprintf(back.prefix, sizeof back.prefix, "%s", "");
        unit_holds(strcmp(el_packet_print_kernel(&back, again, sizeof again), line) == 0, text);
        unit_holds(back.whole == packet.whole && back.length == packet.length, text);
    }
}
END_TEST

/* ---- the device ------------------------------------------------------------------------------ */

static char path[] = "/tmp/echolab-test-kmsg.XXXXXX";

static struct kernel_log *log_of(const char *text)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct kernel_log *log = kernel_log_open(path, false);
    ck_assert_ptr_nonnull(log);
    unlink(path);
    return log;
}

START_TEST(records_are_read_in_order_and_their_further_lines_are_passed_over)
{
    struct el_kmsg record;
    struct kernel_log *log =
        log_of("6,7,10,-;first\n SUBSYSTEM=net\n DEVICE=n1\n4,8,20,c;second\n");
    ck_assert_int_eq(kernel_log_next(log, &record), 1);
    ck_assert_str_eq(record.text, "first");
    ck_assert_int_eq(kernel_log_next(log, &record), 1);
    ck_assert_str_eq(record.text, "second");
    ck_assert_int_eq(kernel_log_next(log, &record), 0);
    ck_assert_uint_eq(kernel_log_lost(log), 0);
    kernel_log_close(log);
}
END_TEST

START_TEST(a_gap_in_the_numbers_is_what_was_lost)
{
    struct el_kmsg record;
    struct kernel_log *log = log_of("6,7,1,-;a\n6,10,2,-;b\n6,11,3,-;c\n6,20,4,-;d\n");
    while (kernel_log_next(log, &record) > 0)
        ;
    ck_assert_uint_eq(kernel_log_lost(log), 2 + 8);
    kernel_log_close(log);
    ck_assert_ptr_null(kernel_log_open("/nonexistent", false));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_file_without_lines_is_no_kernel_log)
{
    static char endless[40000];
    struct el_kmsg record;
    memset(endless, 'x', sizeof endless - 1);
    struct kernel_log *log = log_of(endless);
    ck_assert_int_eq(kernel_log_next(log, &record), -EBADMSG);
    kernel_log_close(log);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packet_kernel");
    TCase *tcase = tcase_create("packet_kernel");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_record_has_its_numbers_and_its_text);
    tcase_add_test(tcase, escapes_are_resolved_and_nothing_else_is);
    tcase_add_test(tcase, what_is_no_record_is_refused);
    tcase_add_test(tcase, a_syn_is_read_field_by_field);
    tcase_add_test(tcase, what_a_line_does_not_say_is_missing_and_not_guessed);
    tcase_add_test(tcase, ipv6_and_icmp_are_read);
    tcase_add_test(tcase, the_packet_that_an_error_is_about_has_the_names_that_the_error_knows);
    tcase_add_test(tcase, the_kernels_line_comes_out_as_it_went_in);
    tcase_add_test(tcase, other_lines_are_other_lines);
    tcase_add_test(tcase, a_line_may_be_cut_anywhere);
    tcase_add_test(tcase, property_no_line_is_too_strange_to_read);
    tcase_add_test(tcase, property_what_is_written_is_read_back);
    tcase_add_test(tcase, records_are_read_in_order_and_their_further_lines_are_passed_over);
    tcase_add_test(tcase, a_gap_in_the_numbers_is_what_was_lost);
    tcase_add_test(tcase, a_file_without_lines_is_no_kernel_log);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
