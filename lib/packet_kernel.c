/*
 * packet_kernel.c - what iptables' LOG target wrote into the kernel's log, read back into a packet.
 *
 * Teaches:  how to read a format that was made for eyes. The same key stands for different things
 *           (LEN= of the IP packet, then LEN= of the datagram), and only the order tells which: what
 *           comes before PROTO= is the network's, what comes after is the transport's. The words are
 *           turned back into the header they came from, and packet_decode.c reads that header like
 *           any other: one decoder, one set of rules. [#words-back-to-bytes]
 * Partner:  packet_print.c writes these lines; netns/kernel_log.c reads them from /dev/kmsg.
 * Trusts:   nothing. Whoever may write to the kernel's log may write anything: names are checked, and
 *           what is not understood is skipped.
 * Leaves out: payload, which LOG does not write. Without --log-tcp-options a line does not tell how
 *           long the TCP header is, and without --log-tcp-sequence there are no numbers: `missing`.
 */
#include "packet_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the words ------------------------------------------------------------------------------- */

/* What one packet's words say; an ICMP error has another packet's words inside it. */
struct words {
    bool v6, source, destination, length, protocol, ports, incomplete, numbers, options;
    uint8_t from[16], to[16];
    uint32_t ip_length, tos, ttl, id, fragment, flow, number; /* number: of the protocol */
    uint32_t source_port, destination_port, udp_length, seq, ack, window, reserved, urgent, flags;
    uint32_t type, code, echo_id, echo_seq, mtu, mark;
    uint8_t option[40];
    size_t option_length;
};

/* The next word into `word`; false at the end. Longer ones are cut, and so will not be understood. */
static bool take_word(const char **at, char *word, size_t size)
{
    while (**at == ' ')
        ++*at;
    size_t length = strcspn(*at, " "), kept = length < size ? length : size - 1;
    memcpy(word, *at, kept);
    word[kept] = '\0';
    *at += length;
    return length > 0;
}

static bool set_address(struct words *words, const char *text, uint8_t to[16], bool *there)
{
    words->v6 = strchr(text, ':') != NULL;
    *there = inet_pton(words->v6 ? AF_INET6 : AF_INET, text, to) == 1;
    return *there;
}

static void set_protocol(struct words *words, const char *text)
{
    static const struct {
        const char *name;
        uint8_t number;
    } names[] = {{"TCP", IPPROTO_TCP},      {"UDP", IPPROTO_UDP}, {"UDPLITE", IPPROTO_UDPLITE},
                 {"ICMP", IPPROTO_ICMP},    {"ESP", IPPROTO_ESP}, {"AH", IPPROTO_AH},
                 {"ICMPv6", IPPROTO_ICMPV6}};
    char *rest;
    words->protocol = true;
    words->number = (uint32_t)strtoul(text, &rest, 10) & UINT8_MAX;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i].name) == 0)
            words->number = names[i].number;
}

/* A word without '=': a flag. What is before the protocol is IP's. */
static void read_flag(struct words *words, const char *word)
{
    if (strcmp(word, "INCOMPLETE") == 0)
        words->incomplete = true;
    if (!words->protocol) {
        words->fragment |= strcmp(word, "CE") == 0   ? IP_RF
                           : strcmp(word, "DF") == 0 ? IP_DF
                           : strcmp(word, "MF") == 0 ? IP_MF
                                                     : 0;
        if (strncmp(word, "FRAG:", 5) == 0)
            words->fragment |= (uint32_t)strtoul(word + 5, NULL, 10) & IP_OFFMASK;
        return;
    }
    for (unsigned bit = 0; bit < EL_TCP_FLAGS; bit++)
        if (strcmp(word, el_tcp_flag_names[bit]) == 0)
            words->flags |= 1U << bit;
}

/* Where the value of this key belongs; NULL for one that is of no interest. */
static uint32_t *field_of(struct words *words, const char *key)
{
    const struct {
        const char *key;
        uint32_t *before, *after; /* PROTO= */
    } fields[] = {{"LEN", &words->ip_length, &words->udp_length},
                  {"TTL", &words->ttl, NULL},
                  {"HOPLIMIT", &words->ttl, NULL},
                  {"TC", &words->tos, NULL},
                  {"FLOWLBL", &words->flow, NULL},
                  {"ID", &words->id, &words->echo_id},
                  {"SPT", NULL, &words->source_port},
                  {"DPT", NULL, &words->destination_port},
                  {"SEQ", NULL, words->number == IPPROTO_TCP ? &words->seq : &words->echo_seq},
                  {"ACK", NULL, &words->ack},
                  {"WINDOW", NULL, &words->window},
                  {"RES", NULL, &words->reserved},
                  {"URGP", NULL, &words->urgent},
                  {"TYPE", NULL, &words->type},
                  {"CODE", NULL, &words->code},
                  {"MTU", NULL, &words->mtu},
                  {"MARK", NULL, &words->mark}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].key, key) == 0)
            return words->protocol ? fields[i].after : fields[i].before;
    return NULL;
}

static bool read_value(struct words *words, const char *key, const char *value)
{
    if (strcmp(key, "SRC") == 0)
        return set_address(words, value, words->from, &words->source);
    if (strcmp(key, "DST") == 0)
        return set_address(words, value, words->to, &words->destination);
    if (strcmp(key, "PROTO") == 0)
        set_protocol(words, value);
    else if (strcmp(key, "TOS") == 0 || strcmp(key, "PREC") == 0)
        words->tos |= (uint32_t)strtoul(value, NULL, 16);
    uint32_t *field = field_of(words, key);
    if (field == NULL)
        return true;
    words->length = words->length || field == &words->ip_length;
    words->ports = words->ports || field == &words->destination_port;
    words->numbers = words->numbers || field == &words->seq;
    *field = (uint32_t)strtoul(value, NULL, 0);
    return true;
}

/* "OPT (0101080A...)": behind the protocol, the options of TCP. */
static void read_options(struct words *words, const char *word)
{
    words->option_length = 0;
    words->options = words->protocol;
    for (word++; words->protocol && words->option_length < sizeof words->option; word += 2) {
        int high = el_hex_digit(word[0]), low = high < 0 ? -1 : el_hex_digit(word[1]);
        if (low < 0)
            return;
        words->option[words->option_length++] = (uint8_t)(high << 4 | low);
    }
}

/*
 * Reads one packet's words, up to the end or to "]". A "[" with words inside is the packet that an
 * ICMP error quotes: its text is left in *quote. False: a word is damaged.
 */
static bool read_words(const char *at, struct words *words, const char **quote)
{
    char word[128];
    *words = (struct words){0};
    *quote = NULL;
    while (take_word(&at, word, sizeof word)) {
        char *value = strchr(word, '=');
        if (word[0] == ']' && *quote == NULL)
            break;
        if (strncmp(word, "[SRC=", 5) == 0) {
            if (*quote != NULL)
                return false;
            *quote = at - strlen(word) + 1;
            at += strcspn(at, "]");
            at += *at == ']';
        } else if (word[0] == '(') {
            read_options(words, word);
        } else if (value == NULL) {
            read_flag(words, word);
        } else {
            *value = '\0';
            if (!read_value(words, word, value + 1))
                return false;
        }
    }
    return words->source && words->destination && words->length && words->protocol;
}

/* ---- back to bytes --------------------------------------------------------------------------- */

struct bytes {
    uint8_t at[512];
    size_t used;
};

static void put(struct bytes *bytes, unsigned octets, uint32_t value)
{
    while (octets-- > 0 && bytes->used < sizeof bytes->at)
        bytes->at[bytes->used++] = (uint8_t)(value >> 8 * octets);
}

static void put_all(struct bytes *bytes, const uint8_t *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put(bytes, 1, from[i]);
}

static void put_ip(struct bytes *bytes, const struct words *words)
{
    if (words->v6) {
        put(bytes, 4, 6U << 28 | (words->tos & 0xff) << 20 | (words->flow & 0xfffff));
        put(bytes, 2, words->ip_length - 40);
        put(bytes, 2, (words->number & 0xff) << 8 | (words->ttl & 0xff));
        put_all(bytes, words->from, 16);
        put_all(bytes, words->to, 16);
        return;
    }
    put(bytes, 2, 0x4500 | (words->tos & 0xff));
    put(bytes, 2, words->ip_length);
    put(bytes, 2, words->id);
    put(bytes, 2, words->fragment);
    put(bytes, 4, (words->ttl & 0xff) << 24 | (words->number & 0xff) << 16);
    put_all(bytes, words->from, 4);
    put_all(bytes, words->to, 4);
}

/* How long the TCP header is, if that can be told; else the least it can be. */
static size_t tcp_header(const struct words *words, bool *known)
{
    size_t rest = words->ip_length - (words->v6 ? 40U : 20U);
    *known = true;
    if (words->options)
        return 20 + (words->option_length + 3) / 4 * 4;
    if (rest == 20)
        return 20;
    if ((words->flags & TH_SYN) && rest > 20 && rest <= 60 && rest % 4 == 0)
        return rest; /* no payload comes with a SYN, so the rest of it is options */
    *known = false;
    return 20;
}

static void put_tcp(struct bytes *bytes, const struct words *words)
{
    bool known;
    size_t header = tcp_header(words, &known), end = bytes->used + header;
    put(bytes, 2, words->source_port);
    put(bytes, 2, words->destination_port);
    put(bytes, 4, words->seq);
    put(bytes, 4, words->ack);
    put(bytes, 1, (uint32_t)header / 4 << 4 | (words->reserved >> 2 & 15));
    put(bytes, 1, words->flags);
    put(bytes, 2, words->window);
    put(bytes, 4, words->urgent & 0xffff); /* and no checksum */
    put_all(bytes, words->option, words->option_length);
    while (bytes->used < end)
        put(bytes, 1, 0);
}

static bool is_echo(const struct words *words)
{
    return words->v6 ? words->type == 128 || words->type == 129
                     : words->type == 0 || words->type == 8;
}

/* As much of the header as the words tell of. */
static void put_transport(struct bytes *bytes, const struct words *words)
{
    bool icmp = words->number == IPPROTO_ICMP || words->number == IPPROTO_ICMPV6;
    if ((words->incomplete || words->fragment & IP_OFFMASK) && !icmp) {
        put(bytes, words->ports ? 2 : 0, words->source_port);
        put(bytes, words->ports ? 2 : 0, words->destination_port);
        put(bytes, words->ports ? 4 : 0, 0); /* RFC 792: eight bytes are quoted at least */
    } else if (words->number == IPPROTO_TCP) {
        put_tcp(bytes, words);
    } else if (words->number == IPPROTO_UDP) {
        put(bytes, 2, words->source_port);
        put(bytes, 2, words->destination_port);
        put(bytes, 4, words->udp_length << 16);
    } else if (icmp && !words->incomplete) {
        put(bytes, 4, (words->type & 0xff) << 24 | (words->code & 0xff) << 16);
        put(bytes, 4,
            is_echo(words) ? words->echo_id << 16 | (words->echo_seq & 0xffff) : words->mtu);
    }
}

/* ---- the line -------------------------------------------------------------------------------- */

/* "[TAG HOST NAME] " into host and prefix "[NAME] ". Returns what follows, or NULL. */
static const char *read_prefix(const char *text, const char *tag, struct el_packet *packet)
{
    size_t length = strlen(tag);
    if (text[0] != '[' || length == 0 || strncmp(text + 1, tag, length) != 0 ||
        text[1 + length] != ' ')
        return NULL;
    const char *host = text + length + 2;
    size_t host_length = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-");
    const char *name = host + host_length + 1;
    const char *end = host[host_length] == ' ' ? strstr(name, "] ") : NULL;
    if (end == NULL || host_length == 0 || host_length >= sizeof packet->host ||
        (size_t)(end - name) + 4 > sizeof packet->prefix)
        return NULL;
    for (const char *c = name; c < end; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return NULL;
    snprintf(packet->host, sizeof packet->host, "%.*s", (int)host_length, host);
    snprintf(packet->prefix, sizeof packet->prefix, "[%.*s] ", (int)(end - name), name);
    return end + 2;
}

/* "IN=eth0": an interface's name is anything without blanks and slashes; ours are plain. */
static bool read_interface(const char **at, const char *key, char name[EL_INTERFACE_MAX])
{
    char word[64];
    if (!take_word(at, word, sizeof word) || strncmp(word, key, strlen(key)) != 0)
        return false;
    for (const char *c = word; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
            return false;
    snprintf(name, EL_INTERFACE_MAX, "%.15s", word + strlen(key));
    return true;
}

/* "MAC=02:00:...": the Ethernet header, if it is one. */
static void read_hardware(const char *text, struct el_packet *packet)
{
    const char *at = strstr(text, "MAC=");
    size_t used = 0;
    if (at == NULL)
        return;
    for (at += 4; used < sizeof packet->hardware; at += 3) {
        int high = el_hex_digit(at[0]), low = high < 0 ? -1 : el_hex_digit(at[1]);
        if (low < 0)
            return;
        packet->hardware[used++] = (uint8_t)(high << 4 | low);
        if (at[2] != ':') {
            packet->hardware_length = used == sizeof packet->hardware ? (uint8_t)used : 0;
            return;
        }
    }
}

static void note_missing(const struct words *words, struct el_packet *packet)
{
    bool known;
    if (words->number != IPPROTO_TCP || !packet->whole)
        return;
    tcp_header(words, &known);
    if (!known) {
        packet->missing |= EL_MISSING_PAYLOAD;
        packet->payload = 0;
    }
    packet->missing |= words->numbers ? 0 : EL_MISSING_SEQUENCE;
}

int el_packet_parse_kernel(const char *text, const char *tag, struct el_packet *packet)
{
    struct words words, inner;
    const char *quote, *deeper;
    struct bytes bytes = {.used = 0};
    memset(packet, 0, sizeof *packet);
    const char *at = read_prefix(text, tag, packet);
    if (at == NULL)
        return -ENOENT;
    if (!read_interface(&at, "IN=", packet->in) || !read_interface(&at, "OUT=", packet->out) ||
        !read_words(at, &words, &quote))
        return -EBADMSG;
    if (quote != NULL && !read_words(quote, &inner, &deeper))
        return -EBADMSG;
    put_ip(&bytes, &words);
    put_transport(&bytes, &words);
    if (quote != NULL) {
        put_ip(&bytes, &inner);
        put_transport(&bytes, &inner);
    }
    if (el_packet_decode(bytes.at, bytes.used, packet) < 0)
        return -EBADMSG;
    read_hardware(at, packet);
    note_missing(&words, packet);
    packet->mark = words.mark;
    packet->hook = packet->out[0] != '\0' ? NF_INET_POST_ROUTING : NF_INET_LOCAL_IN;
    return 0;
}
