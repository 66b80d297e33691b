/* test_json.c - whatever is written, the document is valid. */
#include "../lib/unit.h"
#include "json.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A document in memory: begin() starts it, finish() gives the text. */
static char *text;
static size_t size;
static FILE *file;

static struct el_json begin(void)
{
    file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    return el_json_begin(file);
}

static const char *finish(void)
{
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

static void forget(void)
{
    free(text);
}

START_TEST(commas_stand_between_values_and_nowhere_else)
{
    struct el_json json = begin();
    el_json_object(&json, NULL);
    el_json_int(&json, "format_version", 1);
    el_json_array(&json, "probes");
    el_json_object(&json, NULL);
    el_json_bool(&json, "ok", true);
    el_json_close_object(&json);
    el_json_array(&json, NULL);
    el_json_close_array(&json);
    el_json_null(&json, NULL);
    el_json_close_array(&json);
    el_json_object(&json, "empty");
    el_json_close_object(&json);
    el_json_uint(&json, "sent", UINT64_MAX);
    el_json_int(&json, "least", INT64_MIN);
    el_json_bool(&json, "no", false);
    el_json_close_object(&json);
    ck_assert_str_eq(finish(), "{\"format_version\":1,\"probes\":[{\"ok\":true},[],null],"
                               "\"empty\":{},\"sent\":18446744073709551615,"
                               "\"least\":-9223372036854775808,\"no\":false}\n");
    forget();
}
END_TEST

START_TEST(a_number_that_does_not_exist_is_null)
{
    struct el_json json = begin();
    el_json_array(&json, NULL);
    el_json_number(&json, NULL, NAN, 3);
    el_json_number(&json, NULL, INFINITY, 3);
    el_json_number(&json, NULL, -INFINITY, 3);
    el_json_number(&json, NULL, 0.2504, 3);
    el_json_number(&json, NULL, -1.5, 0);
    el_json_number(&json, NULL, 12, 2);
    el_json_close_array(&json);
    ck_assert_str_eq(finish(), "[null,null,null,0.250,-2,12.00]\n");
    forget();
}
END_TEST

START_TEST(the_largest_number_fits)
{
    struct el_json json = begin();
    el_json_number(&json, NULL, -1.7976931348623157e308, 99);
    ck_assert_double_eq(strtod(finish(), NULL), -1.7976931348623157e308);
    forget();
}
END_TEST

START_TEST(the_decimal_point_is_a_point_in_every_locale_this_machine_has)
{
    /* Machines differ in the locales they have. Where none of these is, this shows nothing; make one by
     * localedef -i de_DE -f UTF-8 /tmp/l/de_DE.UTF-8 and run with LOCPATH=/tmp/l. */
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++)
        if (setlocale(LC_NUMERIC, commas[i]) != NULL)
            break;
    struct el_json json = begin();
    el_json_number(&json, NULL, 1234567.25, 2);
    ck_assert_str_eq(finish(), "1234567.25\n");
    setlocale(LC_NUMERIC, "C");
    forget();
}
END_TEST

START_TEST(strings_are_escaped_and_bytes_that_are_not_utf8_are_replaced)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"a\"b\\c/d", "a\\\"b\\\\c/d"},
        {"line\nend\t\x01\x1f\x7f", "line\\u000aend\\u0009\\u0001\\u001f\\u007f"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},             /* U+10FFFF, the last */
        {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"}, /* one above it */
        {"\xc0\xaf", "\\ufffd\\ufffd"},                       /* overlong '/' */
        {"\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd"},            /* overlong again */
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},            /* a surrogate */
        {"\xc3", "\\ufffd"},                                  /* cut short */
        {"\xe2\x82", "\\ufffd\\ufffd"},                       /* cut short */
        {"\xe2\x82x", "\\ufffd\\ufffdx"},                     /* interrupted */
        {"\x80\xbf\xff\xfe", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[128];
        struct el_json json = begin();
        el_json_text(&json, NULL, cases[i].in);
        snprintf(wanted, sizeof wanted, "\"%s\"\n", cases[i].out);
        ck_assert_str_eq(finish(), wanted);
        forget();
    }
}
END_TEST

START_TEST(keys_are_escaped_too_and_a_missing_text_is_null)
{
    struct el_json json = begin();
    el_json_object(&json, NULL);
    el_json_text(&json, "a\"b", NULL);
    el_json_close_object(&json);
    ck_assert_str_eq(finish(), "{\"a\\\"b\":null}\n");
    forget();
}
END_TEST

START_TEST(ending_early_closes_whatever_is_open)
{
    struct el_json json = begin();
    el_json_object(&json, NULL);
    el_json_array(&json, "probes");
    el_json_object(&json, NULL);
    el_json_array(&json, "a");
    el_json_end(&json);
    el_json_end(&json); /* nothing is open: nothing happens */
    ck_assert_str_eq(finish(), "{\"probes\":[{\"a\":[]}]}\n");
    forget();
}
END_TEST

START_TEST(documents_follow_each_other_line_by_line)
{
    struct el_json json = begin();
    for (int i = 0; i < 2; i++) {
        el_json_object(&json, NULL);
        el_json_int(&json, "n", i);
        el_json_close_object(&json);
    }
    ck_assert_str_eq(finish(), "{\"n\":0}\n{\"n\":1}\n");
    forget();
}
END_TEST

START_TEST(sixty_three_levels_can_be_nested)
{
    struct el_json json = begin();
    for (int i = 0; i < 63; i++)
        el_json_array(&json, NULL);
    el_json_end(&json);
    ck_assert_uint_eq(strlen(finish()), 2 * 63 + 1);
    forget();
}
END_TEST

/* Skips one JSON value; NULL if it is not valid. Independent of the writer: a grammar, straight
 * from RFC 8259. */
static const char *skip_value(const char *s);

static const char *skip_string(const char *s)
{
    if (*s++ != '"')
        return NULL;
    for (; *s != '"'; s++) {
        if ((unsigned char)*s < 0x20)
            return NULL;
        if (*s == '\\') {
            s++;
            if (*s == 'u' && strspn(s + 1, "0123456789abcdef") >= 4)
                s += 4;
            else if (strchr("\"\\/bfnrt", *s) == NULL || *s == '\0')
                return NULL;
        }
    }
    return s + 1;
}

static const char *skip_list(const char *s, bool object)
{
    char end = object ? '}' : ']';
    if (*++s == end)
        return s + 1;
    for (;;) {
        if (object) {
            s = skip_string(s);
            if (s == NULL || *s++ != ':')
                return NULL;
        }
        s = skip_value(s);
        if (s == NULL)
            return NULL;
        if (*s == end)
            return s + 1;
        if (*s++ != ',')
            return NULL;
    }
}

static const char *skip_value(const char *s)
{
    static const char *const words[] = {"true", "false", "null"};
    if (*s == '{' || *s == '[')
        return skip_list(s, *s == '{');
    if (*s == '"')
        return skip_string(s);
    for (int i = 0; i < 3; i++)
        if (strncmp(s, words[i], strlen(words[i])) == 0)
            return s + strlen(words[i]);
    size_t number = strspn(s, "-.0123456789");
    return number > 0 ? s + number : NULL;
}

/* One random call; `object` tells whether a key is needed. */
static void random_member(struct el_json *json)
{
    char value[24], name[8];
    bool in_object = json->depth > 0 && !(json->arrays >> json->depth & 1);
    const char *key = in_object ? name : NULL;

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)unit_random(256);
    value[sizeof value - 1] = '\0';
    unit_random_text(name, sizeof name, "a\"\\\n\xc3\xa9");
    switch (unit_random(7)) {
    case 0:
        el_json_object(json, key);
        break;
    case 1:
        el_json_array(json, key);
        break;
    case 2:
        el_json_text(json, key, value);
        break;
    case 3:
        el_json_number(json, key, ldexp((double)unit_random(1000), (int)unit_random(2000) - 1000),
                       (int)unit_random(20));
        break;
    case 4:
        el_json_int(json, key, (int64_t)unit_random(UINT64_MAX));
        break;
    case 5:
        el_json_bool(json, key, unit_random(2));
        break;
    default:
        if (json->depth > 1 && in_object)
            el_json_close_object(json);
        else if (json->depth > 1)
            el_json_close_array(json);
    }
}

START_TEST(property_every_sequence_of_calls_gives_a_valid_document)
{
    for (int i = 0; i < 2000; i++) {
        struct el_json json = begin();
        el_json_object(&json, NULL);
        for (uint64_t n = unit_random(40); n > 0; n--)
            random_member(&json);
        el_json_end(&json);
        const char *end = skip_value(finish());
        unit_holds(end != NULL && strcmp(end, "\n") == 0, text);
        forget();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, commas_stand_between_values_and_nowhere_else);
    tcase_add_test(tcase, a_number_that_does_not_exist_is_null);
    tcase_add_test(tcase, the_largest_number_fits);
    tcase_add_test(tcase, the_decimal_point_is_a_point_in_every_locale_this_machine_has);
    tcase_add_test(tcase, strings_are_escaped_and_bytes_that_are_not_utf8_are_replaced);
    tcase_add_test(tcase, keys_are_escaped_too_and_a_missing_text_is_null);
    tcase_add_test(tcase, ending_early_closes_whatever_is_open);
    tcase_add_test(tcase, documents_follow_each_other_line_by_line);
    tcase_add_test(tcase, sixty_three_levels_can_be_nested);
    tcase_add_test(tcase, property_every_sequence_of_calls_gives_a_valid_document);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
