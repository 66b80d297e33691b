/*
 * fault_select.c - the values of a rule's words: nth:2,5 and 12.5% and 20ms+-5ms and SYN,!ACK.
 *
 * Teaches:  a chance is a whole number of parts per billion, never a float: so "5%" is the same
 *           comparison on every machine, and a run can be repeated.
 * Partner:  fault_rule.c, which knows the words.
 */
#include "fault_select.h"

#include "options.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

enum { DELAY_MAX_S = 60 };

static int refuse(const char **why, const char *text)
{
    *why = text;
    return -EINVAL;
}

/* The number that `length` characters are; false unless it is digits alone, and small enough. */
static bool number_of(const char *text, size_t length, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text[i] - '0');
        if (*number > max)
            return false;
    }
    return length > 0;
}

int fault_parse_percent(const char *text, size_t length, uint32_t *chance, const char **why)
{
    enum { PLACES = 7 }; /* of a percent: then a part per billion is the last digit */
    static const char not_one[] = "is not a percentage (5% or 0.01%, above 0 and at most 100)";
    if (length < 2 || text[length - 1] != '%')
        return refuse(why, not_one);
    const char *end = text + length - 1, *dot = memchr(text, '.', length - 1);
    uint64_t whole, part = 0;
    if (!number_of(text, (size_t)((dot == NULL ? end : dot) - text), 100, &whole))
        return refuse(why, not_one);
    if (dot != NULL) {
        size_t digits = (size_t)(end - dot - 1);
        if (digits > PLACES || !number_of(dot + 1, digits, UINT32_MAX, &part))
            return refuse(why, "is not a percentage (at most seven decimals: 0.0000001%)");
        for (; digits < PLACES; digits++)
            part *= 10;
    }
    uint64_t all = whole * (FAULT_WHOLE / 100) + part;
    if (all == 0 || all > FAULT_WHOLE)
        return refuse(why, not_one);
    *chance = (uint32_t)all;
    return 0;
}

static int parse_nth(const char *text, struct fault_select *select, const char **why)
{
    while (true) {
        size_t length = strcspn(text, ",");
        if (select->count == FAULT_NTH_MAX)
            return refuse(why, "names too many positions (at most 16)");
        uint64_t *nth = &select->nth[select->count++];
        if (!number_of(text, length, UINT32_MAX, nth) || *nth == 0)
            return refuse(why, "does not name positions, counted from 1 (nth:2 or nth:2,5)");
        text += length;
        if (*text == '\0')
            return 0;
        text++;
    }
}

static int parse_burst(const char *text, struct fault_select *select, const char **why)
{
    size_t length = strcspn(text, ":");
    int error = fault_parse_percent(text, length, &select->chance, why);
    if (error < 0)
        return error;
    if (text[length] != ':' ||
        !number_of(text + length + 1, strlen(text + length + 1), UINT32_MAX, &select->nth[0]) ||
        select->nth[0] == 0)
        return refuse(why, "lacks the length of a burst (burst:1%:5 is five in a row)");
    select->count = 1;
    return 0;
}

int fault_parse_select(const char *text, struct fault_select *select, const char **why)
{
    *select = (struct fault_select){.kind = FAULT_ALL};
    if (strcmp(text, "all") == 0)
        return 0;
    if (strncmp(text, "nth:", 4) == 0) {
        select->kind = FAULT_NTH;
        return parse_nth(text + 4, select, why);
    }
    if (strncmp(text, "every:", 6) == 0) {
        select->kind = FAULT_EVERY;
        select->count = 1;
        if (number_of(text + 6, strlen(text + 6), UINT32_MAX, &select->nth[0]) &&
            select->nth[0] > 0)
            return 0;
        return refuse(why, "does not say every how many (every:3)");
    }
    if (strncmp(text, "burst:", 6) == 0) {
        select->kind = FAULT_BURST;
        return parse_burst(text + 6, select, why);
    }
    if (text[0] == '\0' || text[strlen(text) - 1] != '%')
        return refuse(why, "does not choose packets (all, nth:2,5, every:3, 5% or burst:1%:5)");
    select->kind = FAULT_RANDOM;
    return fault_parse_percent(text, strlen(text), &select->chance, why);
}

int fault_parse_rate(const char *text, uint64_t *bits, const char **why)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}};
    size_t digits = strspn(text, "0123456789");
    uint64_t number;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i].name) == 0 &&
            number_of(text, digits, 100000000000 / units[i].factor, &number) && number > 0) {
            *bits = number * units[i].factor;
            return 0;
        }
    return refuse(why, "is not a rate (whole numbers of bit, kbit, mbit or gbit, at most 100gbit: "
                       "rate=1mbit)");
}

static int parse_delay(const char *text, size_t length, el_duration *delay, const char **why)
{
    char part[32];
    if (length >= sizeof part)
        return refuse(why, "is not a duration (20ms)");
    snprintf(part, sizeof part, "%.*s", (int)length, text);
    int error = el_parse_duration(part, delay, why);
    if (error == 0 && *delay > DELAY_MAX_S * EL_S)
        return refuse(why, "is too long (at most 60s)");
    return error == 0 ? 0 : -EINVAL;
}

int fault_parse_jitter(const char *text, el_duration *delay, el_duration *jitter, const char **why)
{
    const char *sign = strstr(text, "+-");
    size_t length = sign == NULL ? strlen(text) : (size_t)(sign - text);
    *jitter = 0;
    int error = parse_delay(text, length, delay, why);
    if (error == 0 && sign != NULL)
        error = parse_delay(sign + 2, strlen(sign + 2), jitter, why);
    if (error == 0 && *jitter > *delay)
        return refuse(why, "has more jitter than delay: nothing arrives before it was sent "
                           "(20ms+-5ms)");
    return error;
}

int fault_parse_range(const char *text, uint32_t *min, uint32_t *max, const char **why)
{
    uint64_t low, high = UINT16_MAX;
    size_t length = strcspn(text, "-");
    bool dash = text[length] == '-', end = dash && text[length + 1] == '\0';
    if (!number_of(text, length, UINT16_MAX, &low) ||
        (dash && !end &&
         !number_of(text + length + 1, strlen(text + length + 1), UINT16_MAX, &high)))
        return refuse(why, "is not a length of payload (100, 1-99 or 1-)");
    if (!dash)
        high = low;
    if (high < low)
        return refuse(why, "ends before it begins (payload=1-99)");
    *min = (uint32_t)low;
    *max = (uint32_t)high;
    return 0;
}

int fault_parse_flags(const char *text, uint8_t *set, uint8_t *clear, const char **why)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } flags[] = {{"FIN", TH_FIN},  {"SYN", TH_SYN}, {"RST", TH_RST},
                 {"PSH", TH_PUSH}, {"ACK", TH_ACK}, {"URG", TH_URG}};
    *set = *clear = 0;
    while (true) {
        bool absent = *text == '!';
        text += absent;
        size_t length = strcspn(text, ",");
        uint8_t bit = 0;
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
            if (length == 3 && strncmp(text, flags[i].name, 3) == 0)
                bit = flags[i].bit;
        if (bit == 0)
            return refuse(why, "is not a list of TCP flags (SYN, ACK, FIN, RST, PSH, URG; "
                               "flags=SYN,!ACK)");
        if ((*set | *clear) & bit)
            return refuse(why, "names a flag twice (flags=SYN,!ACK)");
        *(absent ? clear : set) |= bit;
        text += length;
        if (*text == '\0')
            return 0;
        text++;
    }
}
