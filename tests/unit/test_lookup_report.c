/*
 * test_lookup_report.c - what became of a name, in lines and as JSON, above all when half of it is
 * missing.
 */
#include "lookup_report.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A lookup as it begins: both families asked for, nothing known. */
static struct el_outcome asked(void)
{
    return (struct el_outcome){
        .name = "www.lab",
        .asked_v6 = true,
        .asked_v4 = true,
        .v6 = {.family = AF_INET6, .status = EL_LOOKUP_CANCELLED},
        .v4 = {.family = AF_INET, .status = EL_LOOKUP_CANCELLED},
    };
}

/* An answer of one address. */
static void answered(struct el_answer *answer, enum el_lookup_source source, const char *literal)
{
    struct el_address *address = &answer->address[answer->count++].destination;
    answer->status = EL_LOOKUP_OK;
    answer->source = source;
    ck_assert_int_eq(el_address_from_literal(literal, 0, address), 0);
}

/* What is printed; to be freed. */
static char *printed(const struct el_outcome *outcome, bool as_json)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    struct el_json json = el_json_begin(file);
    if (as_json) {
        el_json_array(&json, NULL);
        el_outcome_json(outcome, &json);
        el_json_close_array(&json);
    } else {
        el_outcome_print(outcome, file);
    }
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

#define ck_assert_contains(text, words)                                                            \
    ck_assert_msg(strstr(text, words) != NULL, "no '%s' in:\n%s", words, text)

START_TEST(an_interrupted_half_is_shown_as_such)
{
    struct el_outcome outcome = asked();
    answered(&outcome.v6, EL_FROM_DNS, "fd77::2");
    char *text = printed(&outcome, false), *json = printed(&outcome, true);
    ck_assert_contains(text, "  AAAA  fd77::2");
    ck_assert_contains(text, "  A     cancelled\n");
    ck_assert_contains(json, "\"status\":\"cancelled\",\"source\":null");
    free(json);
    free(text);
}
END_TEST

START_TEST(the_other_half_of_a_literal_is_not_missed)
{
    struct el_outcome outcome = asked();
    answered(&outcome.v6, EL_FROM_LITERAL, "fd77::2");
    outcome.v4.status = EL_LOOKUP_NO_DATA;
    outcome.v4.source = EL_FROM_LITERAL;
    char *text = printed(&outcome, false);
    ck_assert_ptr_null(strstr(text, "NODATA"));
    free(text);
}
END_TEST

START_TEST(each_source_has_words_of_its_own)
{
    static const struct {
        enum el_lookup_source source;
        const char *line, *json;
    } table[] = {
        {EL_FROM_LITERAL, "as it was typed: nobody was asked\n", "\"source\":\"literal\""},
        {EL_FROM_DEFINITION, "by definition (RFC 6761): nobody was asked\n",
         "\"source\":\"definition\""},
        {EL_FROM_HOSTS, "from the hosts file: nobody was asked\n", "\"source\":\"hosts\""},
        {EL_FROM_DNS, "from DNS\n", "\"source\":\"dns\""},
    };
    struct el_outcome outcome = asked();
    answered(&outcome.v4, table[_i].source, "127.0.0.1");
    char *text = printed(&outcome, false), *json = printed(&outcome, true);
    ck_assert_contains(text, table[_i].line);
    ck_assert_contains(json, table[_i].json);
    free(json);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup_report");
    TCase *t = tcase_create("shown");
    tcase_add_test(t, an_interrupted_half_is_shown_as_such);
    tcase_add_test(t, the_other_half_of_a_literal_is_not_missed);
    tcase_add_loop_test(t, each_source_has_words_of_its_own, 0, 4);
    suite_add_tcase(suite, t);
    return unit_main(suite);
}
