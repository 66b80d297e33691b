/*
 * test_packets.c - the packet log: reading bytes that may lie, the ring, the words.
 *
 * The causal order is in test_packet_merge.c. The fence needs a world with iptables in it:
 * tests/netns/packet_log.t.
 */
#include "packets.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Recorded in a world: the SYN of 10.77.0.1:35962 > 10.77.0.2:7007. */
static const uint8_t syn[] = {
    0x45, 0x00, 0x00, 0x3c, 0xe8, 0x2d, 0x40, 0x00, 0x40, 0x06, 0x3d, 0xf0, 0x0a, 0x4d, 0x00,
    0x01, 0x0a, 0x4d, 0x00, 0x02, 0x8c, 0x7a, 0x1b, 0x5f, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00,
    0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x14, 0x8d, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04,
    0x02, 0x08, 0x0a, 0x8e, 0x4f, 0x3c, 0x3b, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x0a};

/* fd77::1:35144 > fd77::2:7, six bytes of UDP. */
static const uint8_t udp6[] = {0x60, 0x00, 0x9e, 0x86, 0x00, 0x0e, 0x11, 0x40, 0xfd, 0x77, 0,
                               0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                               0,    0x01, 0xfd, 0x77, 0,    0,    0,    0,    0,    0,    0,
                               0,    0,    0,    0,    0,    0,    0x02, 0x89, 0x48, 0x00, 0x07,
                               0x00, 0x0e, 0xfa, 0xf8, 'h',  'e',  'l',  'l',  'o',  '\n'};

/* The answer to it: ICMPv6 port unreachable, which quotes it whole. */
static const uint8_t refused6[] = {
    0x60, 0x08, 0x6f, 0x6e, 0x00, 0x3e, 0x3a, 0x40, 0xfd, 0x77, 0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0x02, 0xfd, 0x77, 0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x01, 0x01, 0x04, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x60, 0x00, 0x9e, 0x86, 0x00, 0x0e, 0x11, 0x40, 0xfd, 0x77, 0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x01, 0xfd, 0x77, 0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x02, 0x89, 0x48,
    0x00, 0x07, 0x00, 0x0e, 0xfa, 0xf8, 'h',  'e',  'l',  'l',  'o',  '\n'};

/* 10.77.0.1:44323 > 10.77.0.254:53, AAAA? server.lab */
static const uint8_t dns[] = {
    0x45, 0x00, 0x00, 0x38, 0xd2, 0x91, 0x40, 0x00, 0x40, 0x11, 0x52, 0x89, 0x0a, 0x4d,
    0x00, 0x01, 0x0a, 0x4d, 0x00, 0xfe, 0xad, 0x23, 0x00, 0x35, 0x00, 0x24, 0x15, 0x71,
    0x12, 0x34, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 's',
    'e',  'r',  'v',  'e',  'r',  0x03, 'l',  'a',  'b',  0x00, 0x00, 0x1c, 0x00, 0x01};

static struct el_packet decoded(const uint8_t *bytes, size_t length, const char *prefix)
{
    struct el_packet packet = {.hook = NF_INET_POST_ROUTING};
    snprintf(packet.host, sizeof packet.host, "client");
    snprintf(packet.prefix, sizeof packet.prefix, "%s", prefix);
    snprintf(packet.out, sizeof packet.out, "eth0");
    ck_assert_int_eq(el_packet_decode(bytes, length, &packet), 0);
    return packet;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

START_TEST(a_tcp_segment_is_read_field_by_field)
{
    char text[EL_ADDRESS_TEXT];
    struct el_packet packet = decoded(syn, sizeof syn, "[TCP] ");
    ck_assert(packet.whole);
    ck_assert_int_eq(packet.protocol, IPPROTO_TCP);
    ck_assert_str_eq(el_address_print(&packet.source, text), "10.77.0.1:35962");
    ck_assert_str_eq(el_address_print(&packet.destination, text), "10.77.0.2:7007");
    ck_assert_uint_eq(packet.length, 60);
    ck_assert_uint_eq(packet.payload, 0); /* the options are header, not payload */
    ck_assert_uint_eq(packet.seq, 0x12345678);
    ck_assert_uint_eq(packet.tcp_flags, TH_SYN);
    ck_assert_uint_eq(packet.window, 64240);
    ck_assert_uint_eq(packet.ttl, 64);
}
END_TEST

START_TEST(a_datagram_over_ipv6_is_read)
{
    char text[EL_ADDRESS_TEXT];
    struct el_packet packet = decoded(udp6, sizeof udp6, "[UDP] ");
    ck_assert_str_eq(el_address_print(&packet.source, text), "[fd77::1]:35144");
    ck_assert_str_eq(el_address_print(&packet.destination, text), "[fd77::2]:7");
    ck_assert_uint_eq(packet.payload, 6);
    ck_assert_uint_eq(packet.length, 54);
}
END_TEST

START_TEST(extension_headers_are_stepped_over)
{
    uint8_t bytes[sizeof udp6 + 8];
    memcpy(bytes, udp6, 40);
    memcpy(bytes + 40, (uint8_t[]){IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0}, 8); /* hop-by-hop, padding */
    memcpy(bytes + 48, udp6 + 40, sizeof udp6 - 40);
    bytes[6] = IPPROTO_HOPOPTS;
    bytes[5] = 0x0e + 8;
    struct el_packet packet = decoded(bytes, sizeof bytes, "");
    ck_assert_int_eq(packet.protocol, IPPROTO_UDP);
    ck_assert_uint_eq(el_address_port(&packet.destination), 7);
    ck_assert_uint_eq(packet.payload, 6);
}
END_TEST

START_TEST(a_later_fragment_has_no_ports)
{
    uint8_t bytes[sizeof syn];
    memcpy(bytes, syn, sizeof syn);
    bytes[7] = 1; /* offset 8 bytes */
    struct el_packet packet = decoded(bytes, sizeof bytes, "");
    ck_assert(!packet.whole);
    ck_assert_uint_eq(el_address_port(&packet.source), 0);
}
END_TEST

START_TEST(the_hash_leaves_out_the_checksum_and_nothing_else)
{
    uint8_t bytes[sizeof syn];
    struct el_packet first = decoded(syn, sizeof syn, "");
    for (size_t i = 20; i < sizeof syn; i++) {
        memcpy(bytes, syn, sizeof syn);
        bytes[i] ^= 0x40;
        if (i ==
            32) /* the data offset: a header that is longer than the packet is not this test's */
            continue;
        bool same = decoded(bytes, sizeof bytes, "").checksum == first.checksum;
        ck_assert_msg(same == (i == 36 || i == 37), "byte %zu", i);
    }
}
END_TEST

/*
 * The bytes are copied to the end of a fresh allocation: under ASan, one byte too far is a crash.
 */
static int decode_exactly(const uint8_t *bytes, size_t length)
{
    struct el_packet packet = {0};
    char text[EL_PACKET_LINE];
    uint8_t *copy = malloc(length + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy + 1, bytes, length);
    int result = el_packet_decode(copy + 1, length, &packet);
    free(copy);
    if (result == 0) {
        snprintf(packet.prefix, sizeof packet.prefix, "%s", length % 2 == 0 ? "[DNS] " : "[UDP] ");
        ck_assert_uint_lt(strlen(el_packet_print(&packet, text, sizeof text)), sizeof text);
        ck_assert_uint_lt(strlen(el_packet_print_kernel(&packet, text, sizeof text)), sizeof text);
        el_packet_print(&packet, text, 10);
        el_packet_print_kernel(&packet, text, 1);
    }
    return result;
}

START_TEST(a_packet_may_be_cut_anywhere)
{
    static const struct {
        const uint8_t *bytes;
        size_t length, header;
    } cases[] = {{syn, sizeof syn, 20},
                 {udp6, sizeof udp6, 40},
                 {refused6, sizeof refused6, 40},
                 {dns, sizeof dns, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t length = 0; length <= cases[i].length; length++)
            ck_assert_int_eq(decode_exactly(cases[i].bytes, length),
                             length < cases[i].header ? -EBADMSG : 0);
}
END_TEST

START_TEST(property_no_bytes_are_too_strange_to_read_or_print)
{
    uint8_t bytes[200] = {0};
    for (unsigned i = 0; i < unit_rounds(20000); i++) {
        size_t length = unit_random(sizeof bytes);
        for (size_t j = 0; j < length; j++)
            bytes[j] = (uint8_t)unit_random(256);
        if (length > 0) /* most of them with a version that leads somewhere */
            bytes[0] = (uint8_t)(unit_random(2) ? 0x60 : 0x45 + unit_random(11));
        if (length > 9) /* and a protocol that does, too */
            bytes[9] = bytes[6] = (uint8_t[]){1, 6, 17, 58, 0, 43, 44, 60}[unit_random(8)];
        int result = decode_exactly(bytes, length);
        ck_assert(result == 0 || result == -EBADMSG);
    }
}
END_TEST

/* ---- words ----------------------------------------------------------------------------------- */

START_TEST(a_line_names_the_hosts_it_knows_and_prints_the_addresses_of_others)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = decoded(syn, sizeof syn, "[TCP] ");
    strcpy(packet.source_name, "client");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "client >  TCP   client:35962 > 10.77.0.2:7007  SYN");
    packet.hook = NF_INET_LOCAL_IN;
    strcpy(packet.destination_name, "server");
    strcpy(packet.host, "server");
    packet.tcp_flags = TH_SYN | TH_ACK;
    packet.payload = 5;
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server <  TCP   client:35962 > server:7007  SYN ACK  5 bytes");
}
END_TEST

START_TEST(an_icmp_error_says_which_packet_it_is_about)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = decoded(refused6, sizeof refused6, "[ICMP] ");
    strcpy(packet.source_name, "server");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "client >  ICMP  server > fd77::1  port unreachable  "
                     "(about UDP [fd77::1]:35144 > server:7)");
}
END_TEST

START_TEST(a_dns_question_is_read_out)
{
    char text[EL_PACKET_LINE];
    uint8_t bytes[sizeof dns];
    struct el_packet packet = decoded(dns, sizeof dns, "[DNS] ");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "client >  DNS   10.77.0.1:44323 > 10.77.0.254:53  AAAA? server.lab");
    memcpy(bytes, dns, sizeof dns);
    bytes[30] = 0x81, bytes[31] = 3; /* an answer: NXDOMAIN */
    bytes[41] = '\033';              /* and a name that would talk to the terminal */
    packet = decoded(bytes, sizeof bytes, "[DNS] ");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "client >  DNS   10.77.0.1:44323 > 10.77.0.254:53  "
                     "AAAA? ?erver.lab: no such name");
}
END_TEST

/* The rule's prefix tells nothing: a topology may name its own. */
START_TEST(what_a_packet_is_for_is_told_by_its_protocol_and_ports)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = decoded(dns, sizeof dns, "[WEB] ");
    ck_assert_int_eq(el_packet_kind(&packet), EL_KIND_DNS);
    ck_assert_str_eq(el_packet_print_note(&packet, text, sizeof text), "  [WEB]");
    packet = decoded(syn, sizeof syn, "[DNS] ");
    ck_assert_int_eq(el_packet_kind(&packet), EL_KIND_TCP);
    ck_assert_str_eq(el_packet_print_note(&packet, text, sizeof text), "");
    packet = decoded(refused6, sizeof refused6, "a\033[31m");
    ck_assert_int_eq(el_packet_kind(&packet), EL_KIND_ICMP);
    ck_assert_str_eq(el_packet_print_note(&packet, text, sizeof text), "  a?[31m");
}
END_TEST

START_TEST(a_fate_says_what_happened_to_which_packet_and_by_which_rule)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = decoded(syn, sizeof syn, "drop");
    packet.hook = EL_HOOK_FAULT;
    packet.mark = 1;
    strcpy(packet.host, "server");
    strcpy(packet.out, "client");
    strcpy(packet.in, "eth0");
    ck_assert_str_eq(el_packet_print(&packet, text, sizeof text),
                     "server x  TCP   10.77.0.1:35962 > 10.77.0.2:7007  SYN");
    ck_assert_str_eq(el_packet_print_note(&packet, text, sizeof text), "  drop (rule 1)");
    el_packet_print_kernel(&packet, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "[FAULT drop] IN=eth0 OUT= "));
    strcpy(packet.prefix, "delay 20.103ms");
    strcpy(packet.host, "gateway-2");
    ck_assert_int_eq(strncmp(el_packet_print(&packet, text, sizeof text), "gateway-2 ~  TCP ", 17),
                     0);
    ck_assert_str_eq(el_packet_print_note(&packet, text, sizeof text), "  delay 20.103ms (rule 1)");
}
END_TEST

/* Expected: what the kernel's LOG target wrote about these very packets. */
START_TEST(the_kernel_format_is_the_kernels)
{
    char text[EL_PACKET_LINE];
    struct el_packet packet = decoded(syn, sizeof syn, "[TCP] ");
    ck_assert_str_eq(el_packet_print_kernel(&packet, text, sizeof text),
                     "[TCP] IN= OUT=eth0 SRC=10.77.0.1 DST=10.77.0.2 LEN=60 TOS=0x00 PREC=0x00 "
                     "TTL=64 ID=59437 DF PROTO=TCP SPT=35962 DPT=7007 WINDOW=64240 RES=0x00 SYN "
                     "URGP=0 ");
    packet = decoded(refused6, sizeof refused6, "[ICMP] ");
    strcpy(packet.in, "eth0");
    strcpy(packet.out, "");
    packet.hardware_length = 14;
    memcpy(packet.hardware, "\2\0\0\0\x77\2\2\0\0\0\x77\4\x86\xdd", 14);
    ck_assert_str_eq(el_packet_print_kernel(&packet, text, sizeof text),
                     "[ICMP] IN=eth0 OUT= MAC=02:00:00:00:77:02:02:00:00:00:77:04:86:dd "
                     "SRC=fd77:0000:0000:0000:0000:0000:0000:0002 "
                     "DST=fd77:0000:0000:0000:0000:0000:0000:0001 "
                     "LEN=102 TC=0 HOPLIMIT=64 FLOWLBL=552814 PROTO=ICMPv6 TYPE=1 CODE=4 "
                     "[SRC=fd77:0000:0000:0000:0000:0000:0000:0001 "
                     "DST=fd77:0000:0000:0000:0000:0000:0000:0002 "
                     "LEN=54 TC=0 HOPLIMIT=64 FLOWLBL=40582 PROTO=UDP SPT=35144 DPT=7 LEN=14 ] ");
}
END_TEST

/* ---- records as text ------------------------------------------------------------------------- */

START_TEST(a_record_survives_being_written_down)
{
    struct el_packet packet = decoded(syn, sizeof syn, "[TCP] "), back;
    char text[EL_PACKET_RECORD], again[EL_PACKET_RECORD];
    packet.number = 7;
    packet.at = 123456789;
    packet.stamp = 123450000;
    packet.mark = 3;
    packet.checksum = 0x89abcdef; /* of more bytes than are kept */
    packet.hardware_length = 14;
    memset(packet.hardware, 0xa5, sizeof packet.hardware);
    snprintf(packet.source_name, sizeof packet.source_name, "client");
    el_packet_print_record(&packet, text, sizeof text);
    ck_assert_uint_lt(strlen(text), sizeof text - 1);
    ck_assert_int_eq(el_packet_parse_record(text, &back), 0);
    ck_assert_int_eq(back.at, packet.at);
    ck_assert_int_eq(back.stamp, packet.stamp);
    ck_assert_uint_eq(back.seq, packet.seq);
    ck_assert_uint_eq(back.checksum, packet.checksum);
    ck_assert_str_eq(back.in, "");
    ck_assert_str_eq(back.prefix, "[TCP] ");
    ck_assert_str_eq(el_packet_print_record(&back, again, sizeof again), text);
}
END_TEST

START_TEST(a_line_that_is_no_record_is_refused)
{
    struct el_packet packet = decoded(udp6, sizeof udp6, "[UDP] ");
    char text[EL_PACKET_RECORD];
    el_packet_print_record(&packet, text, sizeof text);
    ck_assert_int_eq(el_packet_parse_record("", &packet), -EBADMSG);
    ck_assert_int_eq(el_packet_parse_record("packet 1 2 3 client", &packet), -EBADMSG);
    text[strlen(text) - strlen(" [UDP] ") - 1] = 'x'; /* no hexadecimal digit */
    ck_assert_int_eq(el_packet_parse_record(text, &packet), -EBADMSG);
}
END_TEST

START_TEST(property_no_line_is_too_strange_to_read)
{
    struct el_packet packet = decoded(syn, sizeof syn, "[TCP] "), back;
    char good[EL_PACKET_RECORD], text[EL_PACKET_RECORD + 64], again[EL_PACKET_RECORD];
    el_packet_print_record(&packet, good, sizeof good);
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        snprintf(text, sizeof text, "%s", good);
        for (unsigned change = 0; change < 3; change++)
            text[unit_random(strlen(good))] = "0f -z\n\xff%"[unit_random(9)];
        if (el_packet_parse_record(text, &back) == 0)
            unit_holds(strlen(el_packet_print_record(&back, again, sizeof again)) <
                           sizeof again - 1,
                       text);
    }
}
END_TEST

/* ---- the log --------------------------------------------------------------------------------- */

static char log_path[64];

static struct el_packets *make_log(uint64_t capacity)
{
    snprintf(log_path, sizeof log_path, "/tmp/echolab-test-packets.%d", getpid());
    unlink(log_path);
    struct el_packets *log = el_packets_create(
        &(struct el_packets_args){.path = log_path,
                                  .hosts = (const char *[]){"client", "server", NULL},
                                  .capacity = capacity});
    ck_assert_ptr_nonnull(log);
    return log;
}

static void append(struct el_packets *log, uint32_t value)
{
    struct el_packet packet = {.seq = value, .ack = ~value};
    memset(packet.raw, (int)value, sizeof packet.raw);
    el_packets_append(log, &packet);
}

START_TEST(what_is_appended_is_read_in_order_from_any_mark)
{
    struct el_packets *writer = make_log(8);
    struct el_packets *reader = el_packets_open(log_path);
    struct el_packet packet;
    uint64_t mark = 0;
    unlink(log_path);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(el_packets_next(reader, &mark, &packet), 0);
    append(writer, 10);
    append(writer, 11);
    ck_assert_uint_eq(el_packets_mark(reader), 2);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(el_packets_next(reader, &mark, &packet), 1);
        ck_assert_uint_eq(packet.number, i);
        ck_assert_uint_eq(packet.seq, 10 + i);
    }
    ck_assert_int_eq(el_packets_next(reader, &mark, &packet), 0);
    ck_assert_str_eq(el_packets_logged(reader, 1), "server");
    ck_assert_ptr_null(el_packets_logged(reader, 2));
    ck_assert_str_eq(el_packets_host(reader), "");
    el_packets_close(reader);
    el_packets_close(writer);
}
END_TEST

START_TEST(a_reader_that_is_too_slow_is_told_and_goes_on_with_the_oldest)
{
    struct el_packets *log = make_log(8);
    struct el_packet packet;
    uint64_t mark = 0;
    unlink(log_path);
    for (uint32_t i = 0; i < 20; i++)
        append(log, i);
    ck_assert_int_eq(el_packets_next(log, &mark, &packet), -ENODATA);
    for (uint32_t wanted = (uint32_t)mark; wanted < 20; wanted++) {
        ck_assert_int_eq(el_packets_next(log, &mark, &packet), 1);
        ck_assert_uint_eq(packet.seq, wanted);
    }
    ck_assert_int_eq(el_packets_next(log, &mark, &packet), 0);
    el_packets_close(log);
}
END_TEST

/*
 * lib/packets.c read-then-check: a writer laps the reader all the time; no torn record may ever
 * come out.
 */
START_TEST(no_record_is_read_half_overwritten)
{
    struct el_packets *log = make_log(4);
    pid_t writer = fork();
    ck_assert_int_ge(writer, 0);
    if (writer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failing test must not leave it running */
        for (uint32_t i = 0;; i++)
            append(log, i);
    }
    unlink(log_path);
    struct el_packet packet;
    uint64_t mark = 0;
    for (unsigned got = 0; got < 20000;) {
        if (el_packets_next(log, &mark, &packet) <= 0)
            continue;
        got++;
        ck_assert_uint_eq(packet.ack, ~packet.seq);
        ck_assert_uint_eq(packet.raw[0], (uint8_t)packet.seq);
        ck_assert_uint_eq(packet.raw[EL_PACKET_RAW - 1], (uint8_t)packet.seq);
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    el_packets_close(log);
}
END_TEST

START_TEST(what_is_no_log_is_refused)
{
    ck_assert_ptr_null(el_packets_open("/nonexistent"));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(el_packets_open("/dev/null"));
    ck_assert_int_eq(errno, EBADMSG);
    ck_assert_ptr_null(el_packets_open("/proc/self/exe"));
    ck_assert_int_eq(errno, EBADMSG);
}
END_TEST

START_TEST(a_log_that_was_cut_short_is_refused)
{
    struct el_packets *log = make_log(64);
    ck_assert_int_eq(truncate(log_path, 8192), 0);
    ck_assert_ptr_null(el_packets_open(log_path));
    ck_assert_int_eq(errno, EBADMSG);
    unlink(log_path);
    el_packets_close(log);
}
END_TEST

/* A refusal holds no descriptor and no memory: refused two hundred times, the next descriptor is the one after the first. */
START_TEST(a_refused_log_leaves_nothing_open)
{
    struct el_packets *log = make_log(64);
    ck_assert_int_eq(truncate(log_path, 8192), 0);
    int before = dup(STDIN_FILENO);
    for (int i = 0; i < 100; i++) {
        ck_assert_ptr_null(el_packets_open(log_path));
        ck_assert_ptr_null(el_packets_open("/dev/null"));
    }
    int after = dup(STDIN_FILENO);
    ck_assert_int_eq(after, before + 1);
    unlink(log_path);
    el_packets_close(log);
}
END_TEST

START_TEST(outside_a_lab_network_there_is_no_fence)
{
    struct el_packets *log = make_log(8);
    struct el_packets *reader = el_packets_open(log_path);
    unlink(log_path);
    ck_assert_int_eq(el_packets_fence(reader, el_time_after(el_now(), EL_S)), -ENOENT);
    el_packets_close(reader);
    el_packets_close(log);
}
END_TEST

/* Whoever has asked holds no lock any more: the next writer may have the file. */
START_TEST(to_ask_whether_the_writer_lives_leaves_no_lock)
{
    struct el_packets *log = make_log(8);
    struct el_packets *reader = el_packets_open(log_path);
    int next_writer = open(log_path, O_RDWR | O_CLOEXEC);
    unlink(log_path);
    el_packets_close(log);
    ck_assert(!el_packets_written(reader));
    ck_assert_int_eq(flock(next_writer, LOCK_EX | LOCK_NB), 0);
    close(next_writer);
    el_packets_close(reader);
}
END_TEST

/* Two readers ask at once, and neither is taken for the writer. */
START_TEST(a_reader_knows_whether_the_writer_lives)
{
    struct el_packets *log = make_log(8);
    struct el_packets *reader = el_packets_open(log_path), *other = el_packets_open(log_path);
    unlink(log_path);
    ck_assert(el_packets_written(reader) && el_packets_written(other));
    el_packets_close(log);
    ck_assert(!el_packets_written(reader) && !el_packets_written(other));
    el_packets_close(other);
    ck_assert(!el_packets_written(reader));
    el_packets_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packets");
    TCase *tcase = tcase_create("packets");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_tcp_segment_is_read_field_by_field);
    tcase_add_test(tcase, a_datagram_over_ipv6_is_read);
    tcase_add_test(tcase, extension_headers_are_stepped_over);
    tcase_add_test(tcase, a_later_fragment_has_no_ports);
    tcase_add_test(tcase, the_hash_leaves_out_the_checksum_and_nothing_else);
    tcase_add_test(tcase, a_packet_may_be_cut_anywhere);
    tcase_add_test(tcase, property_no_bytes_are_too_strange_to_read_or_print);
    tcase_add_test(tcase, a_line_names_the_hosts_it_knows_and_prints_the_addresses_of_others);
    tcase_add_test(tcase, an_icmp_error_says_which_packet_it_is_about);
    tcase_add_test(tcase, a_dns_question_is_read_out);
    tcase_add_test(tcase, what_a_packet_is_for_is_told_by_its_protocol_and_ports);
    tcase_add_test(tcase, a_fate_says_what_happened_to_which_packet_and_by_which_rule);
    tcase_add_test(tcase, the_kernel_format_is_the_kernels);
    tcase_add_test(tcase, a_record_survives_being_written_down);
    tcase_add_test(tcase, a_line_that_is_no_record_is_refused);
    tcase_add_test(tcase, property_no_line_is_too_strange_to_read);
    tcase_add_test(tcase, what_is_appended_is_read_in_order_from_any_mark);
    tcase_add_test(tcase, a_reader_that_is_too_slow_is_told_and_goes_on_with_the_oldest);
    tcase_add_test(tcase, no_record_is_read_half_overwritten);
    tcase_add_test(tcase, what_is_no_log_is_refused);
    tcase_add_test(tcase, a_log_that_was_cut_short_is_refused);
    tcase_add_test(tcase, a_refused_log_leaves_nothing_open);
    tcase_add_test(tcase, outside_a_lab_network_there_is_no_fence);
    tcase_add_test(tcase, to_ask_whether_the_writer_lives_leaves_no_lock);
    tcase_add_test(tcase, a_reader_knows_whether_the_writer_lives);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
