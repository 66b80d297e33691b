/*
 * fuzz_amount.c - numbers, sizes and durations as anybody may type them.
 *
 * Input:    the text.
 * Asserted: it is taken, or refused with a sentence; a number and a size are what their digits and their unit say,
 *           reckoned here in another way; a duration is never negative and never EL_NEVER, and as a bound it is printed so
 *           that it reads back as the same; what is refused leaves the result alone.
 * Run:      make fuzz FUZZ=amount
 */
#include "fuzz.h"
#include "options_internal.h"

#include <errno.h>

enum { UNTOUCHED = 4711 };

static void check_refusal(int error, const char *why)
{
    fuzz_holds(error == -EINVAL || error == -ERANGE);
    fuzz_holds(fuzz_sentence(why));
}

/* The digits at the beginning in long double, whose 64 bits of mantissa hold every number that may be taken. */
static long double digits_of(const char *text, size_t *length)
{
    long double value = 0;
    for (*length = 0; text[*length] >= '0' && text[*length] <= '9'; ++*length)
        value = value * 10 + (text[*length] - '0');
    return value;
}

static void check_number(const char *text)
{
    uint64_t number = UNTOUCHED;
    const char *why = NULL;
    size_t length;
    long double value = digits_of(text, &length);
    bool plain = length > 0 && text[length] == '\0';
    int error = el_parse_number(text, &number, &why);
    fuzz_holds((error == 0) == (plain && value <= UINT64_MAX));
    if (error == 0) {
        fuzz_holds((long double)number == value);
        return;
    }
    check_refusal(error, why);
    fuzz_holds(number == UNTOUCHED && (error == -ERANGE) == plain);
}

static void check_size(const char *text)
{
    static const char units[] = "kMGT";
    uint64_t bytes = UNTOUCHED;
    const char *why = NULL, *unit;
    size_t length;
    long double value = digits_of(text, &length);
    int error = el_parse_size(text, &bytes, &why);
    if (error < 0) {
        check_refusal(error, why);
        fuzz_holds(bytes == UNTOUCHED);
        return;
    }
    fuzz_holds(length > 0);
    if (text[length] != '\0') {
        fuzz_holds(text[length + 1] == '\0');
        unit = strchr(units, text[length] == 'K' ? 'k' : text[length]);
        fuzz_holds(unit != NULL);
        for (const char *power = units; power <= unit; power++)
            value *= 1024;
    }
    fuzz_holds(value <= UINT64_MAX && (long double)bytes == value);
}

static void check_duration(const char *text)
{
    static const struct el_option option = {.type = EL_OPT_DURATION};
    el_duration length = UNTOUCHED, again;
    const char *why = NULL;
    char bound[32], print[24];
    int error = el_parse_duration(text, &length, &why);
    if (error < 0) {
        check_refusal(error, why);
        fuzz_holds(length == UNTOUCHED);
        return;
    }
    fuzz_holds(length >= 0 && length < EL_NEVER);
    el_option_print_bound(&option, (uint64_t)length, bound, sizeof bound);
    fuzz_holds(el_parse_duration(bound, &again, &why) == 0 && again == length);
    /* As people read it: never cut off, and of the same sign backwards. */
    fuzz_holds(strlen(el_print_duration(length, print, sizeof print)) < sizeof print - 1);
    fuzz_holds(fuzz_printable(print) && print[0] != '-');
    el_print_duration(-length, print, sizeof print);
    fuzz_holds(fuzz_printable(print) && (length == 0) == (print[0] != '-'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_whole(data, size);
    check_number(text);
    check_size(text);
    check_duration(text);
    free(text);
    return 0;
}
