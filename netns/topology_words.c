/*
 * topology_words.c - the words of a topology: names, plugs, numbers, addresses. Read and printed.
 *
 * Teaches:  a parser that is strict about each word keeps every later stage simple. What passes here
 *           is a namespace's name, a file's name and an argument of ip(8) later, and none of those
 *           need to quote or doubt it again. [#strict-words]
 * Partner:  topology_parser.h
 * Read next: topology_facts.c.
 */
#include "topology_parser.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int topology_fault(struct topology_error *error, unsigned line, const char *format, ...)
{
    va_list args;
    error->line = line;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return -EINVAL;
}

int topology_no_more(struct topology_line *line, unsigned index)
{
    if (index >= line->count)
        return 0;
    return topology_fault(line->error, line->number, "\"%s\" is too much for %s (one fact a line)",
                          line->word[index], line->word[0]);
}

/* A letter, then letters, digits and hyphens; lower case, since DNS and people mix them up. */
static bool is_name(const char *word, size_t length)
{
    if (length == 0 || word[0] < 'a' || word[0] > 'z')
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", word[i]) == NULL)
            return false;
    return true;
}

static int read_name(struct topology_line *line, const char *word, size_t length, const char *what,
                     char name[static TOPOLOGY_NAME])
{
    if (!is_name(word, length))
        return topology_fault(line->error, line->number,
                              "\"%.*s\" is not a name for %s (a lower-case letter, then letters, "
                              "digits or -: server1)",
                              (int)length, word, what);
    if (length >= TOPOLOGY_NAME)
        return topology_fault(line->error, line->number,
                              "\"%.*s\" is too long a name for %s: %zu characters, and the kernel "
                              "takes %d (shorten it)",
                              (int)length, word, what, length, TOPOLOGY_NAME - 1);
    memcpy(name, word, length);
    name[length] = '\0';
    return 0;
}

int topology_word_name(struct topology_line *line, const char *word, const char *what,
                       char name[static TOPOLOGY_NAME])
{
    if (word == NULL)
        return topology_fault(line->error, line->number, "%s needs a name: %s client",
                              line->word[0], line->word[0]);
    return read_name(line, word, strlen(word), what, name);
}

int topology_word_place(struct topology_line *line, const char *word, uint8_t *place)
{
    if (word == NULL)
        return topology_fault(line->error, line->number,
                              "%s ends too early: a host, router or switch is missing",
                              line->word[0]);
    *place = topology_find_place(line->topology, word);
    if (*place == TOPOLOGY_NONE)
        return topology_fault(line->error, line->number,
                              "no host, router or switch \"%s\" above (a line `host %s` makes one)",
                              word, is_name(word, strlen(word)) ? word : "NAME");
    return 0;
}

int topology_word_plug(struct topology_line *line, const char *word, uint8_t *place,
                       char interface[static TOPOLOGY_NAME])
{
    const char *colon = word == NULL ? NULL : strchr(word, ':');
    char name[TOPOLOGY_LINE];
    if (colon == NULL)
        return topology_fault(line->error, line->number,
                              "\"%s\" is not a plug (HOST:INTERFACE or SWITCH:PORT, client:eth0)",
                              word == NULL ? "" : word);
    snprintf(name, sizeof name, "%.*s", (int)(colon - word), word);
    int result = topology_word_place(line, name, place);
    if (result == 0)
        result = read_name(line, colon + 1, strlen(colon + 1), "an interface", interface);
    return result;
}

int topology_word_number(struct topology_line *line, const char *word, const char *what,
                         unsigned min, unsigned max, unsigned *value)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = word == NULL ? 0 : strtoul(word, &end, 10);
    if (word == NULL || word[0] < '0' || word[0] > '9' || *end != '\0')
        return topology_fault(line->error, line->number, "\"%s\" is not a number: %s is %u to %u",
                              word == NULL ? "" : word, what, min, max);
    if (errno != 0 || number < min || number > max)
        return topology_fault(line->error, line->number, "%s %s is out of range: %u to %u", what,
                              word, min, max);
    *value = (unsigned)number;
    return 0;
}

static const struct {
    const char *name;
    uint64_t bits;
} rate_units[] = {{"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}};

int topology_word_rate(struct topology_line *line, const char *word, uint64_t *rate)
{
    enum { MIN = 8000 };
    const uint64_t max = 10000000000;
    char *end = NULL;
    unsigned long number =
        word == NULL || word[0] < '0' || word[0] > '9' ? 0 : strtoul(word, &end, 10);
    for (size_t i = 0; end != NULL && i < sizeof rate_units / sizeof rate_units[0]; i++)
        if (strcmp(end, rate_units[i].name) == 0 && number <= max / rate_units[i].bits &&
            number * rate_units[i].bits >= MIN) {
            *rate = number * rate_units[i].bits;
            return 0;
        }
    return topology_fault(line->error, line->number,
                          "\"%s\" is not a rate: 8kbit to 10gbit, in kbit, mbit or gbit (10mbit)",
                          word == NULL ? "" : word);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static unsigned bits_of(const struct topology_ip *ip)
{
    return ip->family == AF_INET ? 32 : 128;
}

static bool is_ip(const char *word, struct topology_ip *ip)
{
    *ip = (struct topology_ip){.family = strchr(word, ':') == NULL ? AF_INET : AF_INET6};
    ip->length = (uint8_t)bits_of(ip);
    return inet_pton(ip->family, word, ip->bytes) == 1;
}

int topology_word_ip(struct topology_line *line, const char *word, struct topology_ip *ip)
{
    if (word == NULL || !is_ip(word, ip))
        return topology_fault(line->error, line->number,
                              "\"%s\" is not an address (10.77.0.1 or fd77::1)",
                              word == NULL ? "" : word);
    return 0;
}

int topology_word_prefix(struct topology_line *line, const char *word, bool bare,
                         struct topology_ip *ip)
{
    char text[TOPOLOGY_LINE], what[64];
    const char *slash = word == NULL ? NULL : strchr(word, '/');
    unsigned length = 0;
    if (word != NULL)
        snprintf(text, sizeof text, "%.*s", slash == NULL ? (int)strlen(word) : (int)(slash - word),
                 word);
    if (word == NULL || (slash == NULL && !bare) || !is_ip(text, ip))
        return topology_fault(
            line->error, line->number,
            "\"%s\" is not an address with its prefix length (10.77.0.1/24, fd77::1/64)",
            word == NULL ? "" : word);
    if (slash == NULL)
        return 0;
    snprintf(what, sizeof what, "the prefix length of an IPv%d address",
             ip->family == AF_INET ? 4 : 6);
    int result = topology_word_number(line, slash + 1, what, 0, bits_of(ip), &length);
    ip->length = (uint8_t)length;
    return result;
}

int topology_word_endpoint(struct topology_line *line, const char *word, struct topology_ip *ip,
                           uint16_t *port)
{
    char text[TOPOLOGY_LINE];
    const char *colon = word == NULL ? NULL : strrchr(word, ':');
    unsigned number = 0;
    bool brackets = word != NULL && word[0] == '[';
    if (colon != NULL)
        snprintf(text, sizeof text, "%.*s", (int)(colon - word), word);
    size_t length = colon == NULL ? 0 : strlen(text);
    bool closed = length > 2 && text[length - 1] == ']';
    if (brackets && closed)
        text[length - 1] = '\0';
    if (length == 0 || brackets != closed || !is_ip(text + brackets, ip) ||
        brackets != (ip->family == AF_INET6))
        return topology_fault(line->error, line->number,
                              "\"%s\" is not ADDRESS:PORT (10.77.0.1:80 or [fd77::1]:80)",
                              word == NULL ? "" : word);
    int result = topology_word_number(line, colon + 1, "a port", 1, 65535, &number);
    *port = (uint16_t)number;
    return result;
}

bool topology_ip_same(const struct topology_ip *a, const struct topology_ip *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool topology_ip_in(const struct topology_ip *address, const struct topology_ip *network)
{
    unsigned whole = network->length / 8U, rest = network->length % 8U;
    if (address->family != network->family || memcmp(address->bytes, network->bytes, whole) != 0)
        return false;
    return rest == 0 || (address->bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

const char *topology_ip_print(const struct topology_ip *ip, char text[static TOPOLOGY_IP_TEXT])
{
    if (ip->family == AF_UNSPEC ||
        inet_ntop(ip->family, ip->bytes, text, (socklen_t)TOPOLOGY_IP_TEXT) == NULL)
        snprintf(text, TOPOLOGY_IP_TEXT, "-");
    return text;
}

const char *topology_ip_print_prefix(const struct topology_ip *ip,
                                     char text[static TOPOLOGY_IP_TEXT])
{
    size_t used = strlen(topology_ip_print(ip, text));
    snprintf(text + used, TOPOLOGY_IP_TEXT - used, "/%u", ip->length);
    return text;
}

const char *topology_ip_print_port(const struct topology_ip *ip, uint16_t port,
                                   char text[static TOPOLOGY_IP_TEXT])
{
    char host[TOPOLOGY_IP_TEXT];
    topology_ip_print(ip, host);
    snprintf(text, TOPOLOGY_IP_TEXT, ip->family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u", host,
             port);
    return text;
}

const char *topology_rate_print(uint64_t rate, char *text)
{
    size_t i = 0;
    while (i < 2 && rate % rate_units[i].bits != 0)
        i++;
    snprintf(text, TOPOLOGY_IP_TEXT, "%" PRIu64 "%s", rate / rate_units[i].bits,
             rate_units[i].name);
    return text;
}

/* 02:... is "locally administered": no manufacturer has it. */
const char *topology_mac_print(uint8_t plug, char *text)
{
    snprintf(text, TOPOLOGY_IP_TEXT, "02:00:00:00:77:%02x", plug + 1U);
    return text;
}

const char *topology_kind_name(enum topology_kind kind)
{
    static const char *const names[] = {"host", "router", "switch"};
    return names[kind];
}

const char *topology_route_kind_name(enum topology_route_kind kind)
{
    static const char *const names[] = {"via", "unreachable", "blackhole", "prohibit"};
    return names[kind];
}
