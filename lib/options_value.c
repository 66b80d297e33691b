/*
 * options_value.c - one value of the command line: text in, typed field out.
 *
 * Teaches:  why not strtod(3) and atoi(3): "1,5" or "1.5" depends on the locale, " -1" is quietly a
 *           huge unsigned number, "4x" is 4. A parser that accepts what was not meant answers a
 *           question nobody asked.
 * Partner:  options.c (argv), options_help.c (--help).
 */
#include "options_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- the parsers by themselves --------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int refuse(const char **why, int error, const char *text)
{
    *why = text;
    return error;
}

/* Reads the digits at *text and moves behind them. -EINVAL: there are none. -ERANGE: beyond 64
 * bits. */
static int read_digits(const char **text, uint64_t *number)
{
    bool overflow = false;

    *number = 0;
    if (!is_digit(**text))
        return -EINVAL;
    for (; is_digit(**text); (*text)++)
        overflow |= __builtin_mul_overflow(*number, 10, number) ||
                    __builtin_add_overflow(*number, (uint64_t)(**text - '0'), number);
    return overflow ? -ERANGE : 0;
}

int el_parse_number(const char *text, uint64_t *number, const char **why)
{
    uint64_t value;
    int error = read_digits(&text, &value);

    if (error == -EINVAL || *text != '\0')
        return refuse(why, -EINVAL, "is not a number");
    if (error == -ERANGE)
        return refuse(why, -ERANGE, "is too large");
    *number = value;
    return 0;
}

int el_parse_size(const char *text, uint64_t *bytes, const char **why)
{
    static const char units[] = "kMGT";
    uint64_t value;
    unsigned power = 0;
    int error = read_digits(&text, &value);

    if (error == -EINVAL)
        return refuse(why, -EINVAL, "is not a size");
    if (*text != '\0') {
        const char *unit = strchr(units, *text == 'K' ? 'k' : *text);
        if (unit == NULL || text[1] != '\0')
            return refuse(why, -EINVAL, "is not a size: the units are k, M, G and T");
        power = (unsigned)(unit - units) + 1;
    }
    if (error == -ERANGE || __builtin_mul_overflow(value, (uint64_t)1 << (10 * power), &value))
        return refuse(why, -ERANGE, "is too large");
    *bytes = value;
    return 0;
}

static const struct unit {
    const char *name;
    el_duration length;
} units[] = {
    {"", EL_S},  {"ns", 1},        {"us", EL_US},      {"ms", EL_MS},
    {"s", EL_S}, {"m", 60 * EL_S}, {"h", 3600 * EL_S},
};

static const struct unit *find_unit(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

int el_parse_duration(const char *text, el_duration *length, const char **why)
{
    uint64_t whole = 0, part = 0, scale = 1;
    int error = 0;

    if (*text != '.')
        error = read_digits(&text, &whole);
    if (error == 0 || error == -ERANGE) {
        if (*text == '.') {
            if (!is_digit(*++text))
                error = -EINVAL;
            for (; is_digit(*text); text++) {
                if (scale >= 1000000000000) /* finer than a nanosecond even for hours: cut off */
                    continue;
                part = part * 10 + (uint64_t)(*text - '0');
                scale *= 10;
            }
        }
    }
    if (error == -EINVAL)
        return refuse(why, -EINVAL, "is not a duration");
    const struct unit *unit = find_unit(text);
    if (unit == NULL)
        return refuse(why, -EINVAL, "is not a duration: the units are ns, us, ms, s, m and h");

    /* 128 bits hold every product here exactly: 2^64 times an hour is below 2^107. */
    unsigned __int128 ns = (unsigned __int128)whole * (uint64_t)unit->length +
                           (unsigned __int128)part * (uint64_t)unit->length / scale;
    if (error == -ERANGE || ns >= (unsigned __int128)EL_NEVER)
        return refuse(why, -ERANGE, "is too long");
    *length = (el_duration)ns;
    return 0;
}

const char *el_print_duration(el_duration length, char *text, size_t size)
{
    const char *sign = length < 0 ? "-" : "";
    uint64_t ns = length < 0 ? -(uint64_t)length : (uint64_t)length;

    if (length == EL_NEVER) {
        snprintf(text, size, "never");
    } else if (ns < EL_US) {
        snprintf(text, size, "%s%" PRIu64 "ns", sign, ns);
    } else if (ns >= 59950 * (uint64_t)EL_MS) { /* would round to 60.0s */
        uint64_t seconds = (ns + EL_S / 2) / EL_S;
        if (seconds < 3600)
            snprintf(text, size, "%s%" PRIu64 "m%02us", sign, seconds / 60,
                     (unsigned)(seconds % 60));
        else
            snprintf(text, size, "%s%" PRIu64 "h%02um", sign, seconds / 3600,
                     (unsigned)(seconds / 60 % 60));
    } else {
        /* Three digits that count: 1.25us, 12.5us, 125us. The limits are where rounding adds a
         * digit. */
        static const char *const names[] = {"us", "ms", "s"};
        unsigned unit = 0;
        double value = (double)ns / (double)EL_US;
        for (; value >= 999.5 && unit < 2; unit++)
            value /= 1000;
        int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
        snprintf(text, size, "%s%.*f%s", sign, decimals, value, names[unit]);
    }
    return text;
}

/* ---- values of options ----------------------------------------------------------------------- */

const char *el_option_label(const struct el_option *option, char *text, size_t size)
{
    if (option->name != NULL)
        snprintf(text, size, "--%s", option->name);
    else
        snprintf(text, size, "-%c", option->letter);
    return text;
}

/* The largest unit that divides the bound, so that it is printed exactly and parses
 * back to itself. */
const char *el_option_print_bound(const struct el_option *option, uint64_t bound, char *text,
                                  size_t size)
{
    static const char *const sizes[] = {"", "k", "M", "G", "T"};
    unsigned power = 0;

    if (option->type == EL_OPT_SIZE) {
        for (; bound != 0 && bound % 1024 == 0 && power < 4; power++)
            bound /= 1024;
        snprintf(text, size, "%" PRIu64 "%s", bound, sizes[power]);
        return text;
    }
    if (option->type == EL_OPT_DURATION) {
        size_t unit = sizeof units / sizeof *units - 1;
        while (unit > 1 && bound % (uint64_t)units[unit].length != 0)
            unit--;
        if (bound == 0)
            unit = 0;
        snprintf(text, size, "%" PRIu64 "%s", bound / (uint64_t)units[unit].length,
                 units[unit].name);
        return text;
    }
    snprintf(text, size, "%" PRIu64, bound);
    return text;
}

const char *el_option_example(const struct el_option *option, char *text, size_t size)
{
    if (option->preset != NULL && option->preset[0] != '\0') {
        snprintf(text, size, "%s", option->preset);
        return text;
    }
    switch (option->type) {
    case EL_OPT_NUMBER:
    case EL_OPT_SIZE:
    case EL_OPT_DURATION:
        if (option->max > 0)
            return el_option_print_bound(option, option->min > 0 ? option->min : option->max, text,
                                         size);
        snprintf(text, size, "%s", option->type == EL_OPT_DURATION ? "1.5s" : "4");
        break;
    case EL_OPT_CHOICE:
    case EL_OPT_CHOICES:
        snprintf(text, size, "%s", option->choices[0]);
        break;
    case EL_OPT_LITERAL:
        snprintf(text, size, "127.0.0.1");
        break;
    case EL_OPT_ENDPOINTS:
        snprintf(text, size, "127.0.0.1:7007");
        break;
    default:
        snprintf(text, size, "%s", option->value != NULL ? option->value : "");
    }
    return text;
}

void el_value_clear(const struct el_option *option, void *field)
{
    switch (option->type) {
    case EL_OPT_HEADING:
        break;
    case EL_OPT_FLAG:
        *(bool *)field = false;
        break;
    case EL_OPT_NUMBER:
    case EL_OPT_SIZE:
        *(uint64_t *)field = 0;
        break;
    case EL_OPT_DURATION:
        *(el_duration *)field = 0;
        break;
    case EL_OPT_TEXT:
        *(const char **)field = NULL;
        break;
    case EL_OPT_CHOICE:
    case EL_OPT_CHOICES:
        *(unsigned *)field = 0;
        break;
    case EL_OPT_LITERAL:
        *(struct el_address *)field = (struct el_address){0};
        break;
    case EL_OPT_ENDPOINTS:
        ((struct el_endpoint_list *)field)->count = 0;
        break;
    }
}

static int check_bounds(const struct el_option *option, uint64_t value,
                        struct el_value_error *error)
{
    char low[32], high[32];

    if ((option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max))
        return 0;
    error->text = value < option->min ? "is too small" : "is too large";
    if (option->type == EL_OPT_DURATION)
        error->text = value < option->min ? "is too short" : "is too long";
    snprintf(error->fix, sizeof error->fix, "allowed: %s to %s",
             el_option_print_bound(option, option->min, low, sizeof low),
             el_option_print_bound(option, option->max, high, sizeof high));
    return -ERANGE;
}

static void list_choices(const struct el_option *option, struct el_value_error *error)
{
    size_t used = (size_t)snprintf(error->fix, sizeof error->fix, "one of");
    for (const char *const *choice = option->choices; *choice != NULL; choice++)
        if (used < sizeof error->fix)
            used += (size_t)snprintf(error->fix + used, sizeof error->fix - used, " %s%s", *choice,
                                     choice[1] != NULL ? "," : "");
}

/* The index of text[0..length) among the choices. */
static int find_choice(const struct el_option *option, const char *text, size_t length,
                       unsigned *index, struct el_value_error *error)
{
    for (*index = 0; option->choices[*index] != NULL; (*index)++)
        if (strlen(option->choices[*index]) == length &&
            memcmp(option->choices[*index], text, length) == 0)
            return 0;
    error->text = "is not a choice";
    list_choices(option, error);
    return -EINVAL;
}

static int set_choices(const struct el_option *option, unsigned *set, const char *text,
                       struct el_value_error *error)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        unsigned index;
        int code = find_choice(option, text, length, &index, error);
        if (code != 0)
            return code;
        *set |= 1u << index;
        if (text[length] == '\0')
            return 0;
        text += length + 1;
    }
}

static int set_literal(struct el_address *address, const char *text, struct el_value_error *error)
{
    int code = el_address_from_literal(text, 0, address);
    if (code == -ENODEV) {
        error->text = "names an interface that is not here";
        snprintf(error->fix, sizeof error->fix, "ip link shows those that are");
    } else if (code != 0) {
        error->text = "is not an IP address";
    }
    return code;
}

static int add_endpoint(const struct el_option *option, struct el_endpoint_list *list,
                        const char *text, struct el_value_error *error)
{
    if (list->count == EL_ENDPOINTS_MAX) {
        error->text = "is one too many";
        snprintf(error->fix, sizeof error->fix, "at most %d are kept", EL_ENDPOINTS_MAX);
        return -ERANGE;
    }
    error->is_sentence = true;
    int code = el_endpoint_parse(text, (uint16_t)option->max, (uint16_t)option->min,
                                 &list->item[list->count], &error->text);
    if (code == 0)
        list->count++;
    return code;
}

/* A number, a size or a duration: parsed, then held to its bounds. */
static int set_amount(const struct el_option *option, void *field, const char *text,
                      struct el_value_error *error)
{
    uint64_t value = 0;
    el_duration length = 0;
    int code;

    if (option->type == EL_OPT_NUMBER)
        code = el_parse_number(text, &value, &error->text);
    else if (option->type == EL_OPT_SIZE)
        code = el_parse_size(text, &value, &error->text);
    else
        code = el_parse_duration(text, &length, &error->text);
    if (code != 0)
        return code;
    if (option->type == EL_OPT_DURATION)
        value = (uint64_t)length;
    code = check_bounds(option, value, error);
    if (code != 0)
        return code;
    if (option->type == EL_OPT_DURATION)
        *(el_duration *)field = length;
    else
        *(uint64_t *)field = value;
    return 0;
}

int el_value_set(const struct el_option *option, void *field, const char *text,
                 struct el_value_error *error)
{
    switch (option->type) {
    case EL_OPT_HEADING:
        return 0;
    case EL_OPT_FLAG:
        *(bool *)field = true;
        return 0;
    case EL_OPT_NUMBER:
    case EL_OPT_SIZE:
    case EL_OPT_DURATION:
        return set_amount(option, field, text, error);
    case EL_OPT_TEXT:
        *(const char **)field = text;
        return 0;
    case EL_OPT_CHOICE:
        return find_choice(option, text, strlen(text), field, error);
    case EL_OPT_CHOICES:
        return set_choices(option, field, text, error);
    case EL_OPT_LITERAL:
        return set_literal(field, text, error);
    case EL_OPT_ENDPOINTS:
        return add_endpoint(option, field, text, error);
    }
    return -EINVAL;
}
