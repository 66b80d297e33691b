/* test_predict.c - answers, misconceptions and the tables they come from: what is right, what is none, what is broken and where. */
#include "../lib/unit.h"
#include "predict_answer.h"
#include "predict_commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct predict_question question(enum predict_kind kind, const char *text,
                                        const char *answer, const char *if_wrong)
{
    return (struct predict_question){
        .kind = kind, .id = "q", .question = text, .answer = answer, .if_wrong = if_wrong};
}

/* ---- answers ------------------------------------------------------------------------------- */

static const struct {
    enum predict_kind kind;
    const char *typed, *answer; /* NULL: refused */
} typed[] = {
    {PREDICT_NUMBER, " 5 \n", "5"},
    {PREDICT_NUMBER, "0.5", "0.5"},
    {PREDICT_NUMBER, "", NULL},
    {PREDICT_NUMBER, "five", NULL},
    {PREDICT_NUMBER, "5 ms", NULL},
    {PREDICT_NUMBER, "-1", NULL},
    {PREDICT_NUMBER, "5.", NULL},
    {PREDICT_NUMBER, "1e9", NULL},
    {PREDICT_NUMBER, "0x10", NULL},
    {PREDICT_NUMBER, "inf", NULL},
    {PREDICT_NUMBER, "99999999999999999999", NULL},
    {PREDICT_CHOICE, "B", "b"},
    {PREDICT_CHOICE, "b)", "b"},
    {PREDICT_CHOICE, "c", NULL},
    {PREDICT_CHOICE, "ab", NULL},
    {PREDICT_CHOICE, "1", NULL},
    {PREDICT_WORD, "econnrefused", "econnrefused"},
    {PREDICT_WORD, "two words", NULL},
    {PREDICT_WORD, "a\tb", NULL},
    {PREDICT_WORD, "\033[2J", NULL},
};

START_TEST(an_answer_is_taken_or_refused_with_a_reason)
{
    struct predict_question q = question(typed[_i].kind, "which? a) one b) two", "1", "");
    char answer[PREDICT_ANSWER_BYTES];
    const char *why = predict_answer_read(&q, typed[_i].typed, answer);
    if (typed[_i].answer == NULL) {
        ck_assert_ptr_nonnull(why);
    } else {
        ck_assert_ptr_null(why);
        ck_assert_str_eq(answer, typed[_i].answer);
    }
}
END_TEST

START_TEST(a_long_answer_is_refused)
{
    struct predict_question q = question(PREDICT_WORD, "", "x", "");
    char answer[PREDICT_ANSWER_BYTES], text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_ptr_nonnull(predict_answer_read(&q, text, answer));
}
END_TEST

static const struct {
    enum predict_kind kind;
    const char *written, *value;
    bool agrees;
} held[] = {
    {PREDICT_NUMBER, "5", "5", true},
    {PREDICT_NUMBER, "5", "5.0", true},
    {PREDICT_NUMBER, "5", "4", false},
    {PREDICT_NUMBER, "3..7", "3", true},
    {PREDICT_NUMBER, "3..7", "7", true},
    {PREDICT_NUMBER, "3..7", "8", false},
    {PREDICT_NUMBER, "250+-20%", "200", true},
    {PREDICT_NUMBER, "250+-20%", "300", true},
    {PREDICT_NUMBER, "250+-20%", "301", false},
    {PREDICT_NUMBER, "0.1..0.3", "0.3", true},
    {PREDICT_NUMBER, "5", "five", false},
    {PREDICT_NUMBER, "five", "5", false},
    {PREDICT_CHOICE, "c", "c", true},
    {PREDICT_CHOICE, "c", "a", false},
    {PREDICT_WORD, "ECONNREFUSED|ConnectionRefused", "econnrefused", true},
    {PREDICT_WORD, "ECONNREFUSED|ConnectionRefused", "CONNECTIONREFUSED", true},
    {PREDICT_WORD, "ECONNREFUSED|ConnectionRefused", "ECONN", false},
    {PREDICT_WORD, "EPIPE", "", false},
};

START_TEST(an_answer_is_right_or_not)
{
    struct predict_question q = question(held[_i].kind, "", held[_i].written, "");
    ck_assert(predict_answer_agrees(&q, held[_i].written, held[_i].value) == held[_i].agrees);
}
END_TEST

/* What this machine did decides, with the tolerance that the text allows its own figure. */
START_TEST(a_prediction_is_held_against_what_was_seen)
{
    struct predict_question q = question(PREDICT_NUMBER, "", "250+-20%", "");
    ck_assert(predict_answer_seen(&q, "260", "250"));
    ck_assert(!predict_answer_seen(&q, "260",
                                   "310")); /* it agrees with the text, so the text's range holds */
    ck_assert(predict_answer_seen(&q, "1000", "900"));
    ck_assert(!predict_answer_seen(&q, "1000", "250"));
    q.answer = "4";
    ck_assert(predict_answer_seen(&q, "5", "5"));
    ck_assert(!predict_answer_seen(&q, "5", "4"));
}
END_TEST

START_TEST(one_right_answer_can_be_typed)
{
    static const struct {
        enum predict_kind kind;
        const char *written, *right;
    } all[] = {{PREDICT_NUMBER, "5", "5"},
               {PREDICT_NUMBER, "3..7", "3"},
               {PREDICT_NUMBER, "250+-20%", "250"},
               {PREDICT_CHOICE, "b", "b"},
               {PREDICT_WORD, "EPIPE|Broken", "EPIPE"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct predict_question q = question(all[i].kind, "a) x b) y", all[i].written, "");
        char answer[PREDICT_ANSWER_BYTES];
        predict_answer_right(&q, answer);
        ck_assert_str_eq(answer, all[i].right);
        ck_assert(predict_answer_agrees(&q, q.answer, answer));
        ck_assert_ptr_null(predict_answer_fault(&q));
    }
}
END_TEST

START_TEST(a_wrongly_written_answer_is_a_fault)
{
    static const struct {
        enum predict_kind kind;
        const char *text, *written;
    } all[] = {{PREDICT_NUMBER, "", "many"},       {PREDICT_NUMBER, "", "7..3"},
               {PREDICT_NUMBER, "", "5+-20"},      {PREDICT_NUMBER, "", "5..x"},
               {PREDICT_CHOICE, "a) x", "a"},      {PREDICT_CHOICE, "no choices", "a"},
               {PREDICT_CHOICE, "a) x b) y", "c"}, {PREDICT_WORD, "", "two words"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct predict_question q = question(all[i].kind, all[i].text, all[i].written, "");
        ck_assert_ptr_nonnull(predict_answer_fault(&q));
    }
}
END_TEST

START_TEST(choices_are_the_letters_in_their_order)
{
    struct predict_part part[PREDICT_CHOICES_MAX + 1];
    ck_assert_uint_eq(
        predict_choices("f(b) returns: a) the datagram (as a) b) an error c) x", part), 3);
    ck_assert_uint_eq(part[0].length, strlen("f(b) returns:"));
    ck_assert(strncmp(part[1].text, "a) the datagram (as a)", part[1].length) == 0);
    ck_assert(strncmp(part[3].text, "c) x", part[3].length) == 0);
    ck_assert_uint_eq(predict_choices("", part), 0);
}
END_TEST

static const char *thought(const struct predict_question *q, const char *given)
{
    static char text[200];
    struct predict_part part = predict_misconception(q, given);
    snprintf(text, sizeof text, "%.*s", (int)part.length, part.length > 0 ? part.text : "");
    return text;
}

START_TEST(a_wrong_answer_has_a_thought_behind_it)
{
    struct predict_question q = question(
        PREDICT_NUMBER, "", "0", "1 → it announces me; it does not; 2, 3..5 → a handshake; * → no");
    ck_assert_str_eq(thought(&q, "1"), "it announces me; it does not");
    ck_assert_str_eq(thought(&q, "2"), "a handshake");
    ck_assert_str_eq(thought(&q, "4"), "a handshake");
    ck_assert_str_eq(thought(&q, "9"), "no");
    q.if_wrong = "";
    ck_assert_str_eq(thought(&q, "1"), "");
    q.if_wrong = "broken";
    ck_assert_str_eq(thought(&q, "1"), "");
}
END_TEST

START_TEST(any_if_wrong_is_read_to_its_end)
{
    char text[120];
    for (unsigned round = 0; round < unit_rounds(20000); round++) {
        unit_random_text(text, sizeof text, "ab1 ;,.*\xe2\x86\x92→→");
        struct predict_question q = question(PREDICT_NUMBER, text, text, text);
        char answer[PREDICT_ANSWER_BYTES];
        predict_misconception(&q, "1");
        predict_answer_fault(&q);
        predict_answer_right(&q, answer);
        unit_holds(strlen(answer) < PREDICT_ANSWER_BYTES, text);
    }
}
END_TEST

/* ---- tables -------------------------------------------------------------------------------- */

static char directory[] = "/tmp/echolab-test.XXXXXX", path[64], second[64];
static char *said;
static size_t said_size;
static FILE *err;

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/one.tsv", directory);
    snprintf(second, sizeof second, "%s/two.tsv", directory);
    err = open_memstream(&said, &said_size);
}

static void tear_down(void)
{
    fclose(err);
    free(said);
    unlink(path);
    unlink(second);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void write_file(const char *where, const char *text)
{
    FILE *file = fopen(where, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_broken_line_is_told_and_passed_over)
{
    struct predict_table table;
    write_file(path, "# comment\na\t1\tnow\nbroken\n\nb\t2\tt\tmore\n\tx\na\t7\n");
    ck_assert(predict_table_read(&table, path, 2, 3, true, err));
    fflush(err);
    ck_assert_uint_eq(table.count, 2);
    ck_assert_uint_eq(table.broken, 3);
    ck_assert_str_eq(predict_table_find(&table, "a")->cell[1], "1");
    ck_assert_ptr_null(predict_table_find(&table, "b"));
    ck_assert_ptr_nonnull(strstr(said, "one.tsv:3:"));
    ck_assert_ptr_nonnull(strstr(said, "one.tsv:5:"));
    ck_assert_ptr_nonnull(strstr(said, "one.tsv:6:"));
    predict_table_free(&table);
}
END_TEST

START_TEST(the_first_answer_is_locked)
{
    struct predict_table table;
    write_file(path, "a\t\tnow\na\t1\tnow\na\t2\tnow\nb\t\tnow\n");
    ck_assert(predict_table_read(&table, path, 3, 3, true, err));
    ck_assert_str_eq(predict_table_locked(&table, "a"), "1");
    ck_assert_ptr_null(predict_table_locked(&table, "b")); /* it will be asked */
    predict_table_free(&table);
}
END_TEST

START_TEST(what_a_terminal_would_obey_is_spelled_out)
{
    struct predict_table table;
    write_file(path, "a\t\033[2J\n");
    ck_assert(predict_table_read(&table, path, 2, 3, true, err));
    ck_assert_str_eq(table.row[0].cell[1], "\\x1b[2J");
    predict_table_free(&table);
}
END_TEST

START_TEST(a_missing_table_is_empty_or_an_error)
{
    struct predict_table table;
    ck_assert(predict_table_read(&table, path, 2, 3, true, err));
    ck_assert_uint_eq(table.count, 0);
    ck_assert_ptr_null(predict_table_find(&table, "a"));
    predict_table_free(&table);
    ck_assert(!predict_table_read(&table, path, 2, 3, false, err));
    predict_table_free(&table);
    ck_assert(!predict_table_read(&table, directory, 2, 3, true, err));
    predict_table_free(&table);
}
END_TEST

START_TEST(questions_are_refused_with_their_lines)
{
    struct predict_questions questions;
    write_file(path, "# "
                     "id\nok\tnumber\tq\t1\tw\nNo\tnumber\tq\t1\tw\nok\tnumber\tq\t1\tw\nk\tbool\tq"
                     "\t1\tw\ne\tword\t\t1\tw\n");
    ck_assert(!predict_questions_read(&questions, path, err));
    fflush(err);
    ck_assert_uint_eq(questions.count, 1);
    for (char line[] = ":3:"; line[1] <= '6'; line[1]++)
        ck_assert_ptr_nonnull(strstr(said, line));
    predict_questions_free(&questions);
}
END_TEST

START_TEST(any_bytes_are_a_table_or_none)
{
    char bytes[300];
    for (unsigned round = 0; round < unit_rounds(500); round++) {
        struct predict_questions questions;
        unit_random_text(bytes, sizeof bytes, "\t\t\t\t\n\nnumber choice word#a-1\033\xff→;,");
        write_file(path, bytes);
        predict_questions_read(&questions, path, err);
        predict_questions_free(&questions);
        rewind(err);
    }
}
END_TEST

START_TEST(long_lines_and_many_lines_are_bounded)
{
    struct predict_table table;
    FILE *file = fopen(path, "we");
    fprintf(file, "a\t%05000d\n", 1);
    for (int i = 0; i < 10000; i++)
        fprintf(file, "x%d\t1\n", i);
    fclose(file);
    ck_assert(predict_table_read(&table, path, 2, 3, true, err));
    fflush(err);
    ck_assert_uint_eq(table.count, PREDICT_LINES_MAX);
    ck_assert_ptr_nonnull(strstr(said, "one.tsv:1: longer than"));
    ck_assert_uint_lt(said_size, 1000);
    predict_table_free(&table);
}
END_TEST

START_TEST(an_answer_is_appended_as_one_line)
{
    struct predict_table table;
    ck_assert_int_eq(predict_append(path, "a", "1"), 0);
    ck_assert_int_eq(predict_append(path, "b", "2"), 0);
    ck_assert(predict_table_read(&table, path, 3, 3, false, err));
    ck_assert_str_eq(predict_table_find(&table, "b")->cell[1], "2");
    predict_table_free(&table);
    write_file(path,
               "a\t1"); /* a full disk has cut it short: it is no answer, and costs no other */
    ck_assert_int_eq(predict_append(path, "b", "2"), 0);
    ck_assert(predict_table_read(&table, path, 3, 3, false, err));
    ck_assert_ptr_null(predict_table_locked(&table, "a"));
    ck_assert_str_eq(predict_table_locked(&table, "b"), "2");
    predict_table_free(&table);
    ck_assert_int_eq(predict_append("/nowhere/x", "a", "1"), -ENOENT);
    ck_assert_int_eq(predict_append("/dev/full", "a", "1"), -ENOSPC);
}
END_TEST

/* ---- commands ------------------------------------------------------------------------------ */

static const char three[] = "# id\tkind\tquestion\tanswer\tif-wrong\n"
                            "one\tnumber\tHow many?\t4\t1 → too few; * → no\n"
                            "two\tchoice\tWhich? a) this b) that\tb\ta → not this\n"
                            "six\tword\tWhich errno?\tEPIPE\tEIO, EINVAL → no\n";
static struct predict_questions questions;
static char *printed;
static size_t printed_size;

static void read_three(void)
{
    write_file(path, three);
    ck_assert(predict_questions_read(&questions, path, err));
}

static void forget(void)
{
    free(printed);
    printed = NULL;
}

/* What a person types at `ask`, and what it says; returns its exit code. */
static int ask(const char *input)
{
    FILE *in = fmemopen((void *)(uintptr_t)input, strlen(input), "r"),
         *out = open_memstream(&printed, &printed_size);
    int code = predict_ask(&questions, second, NULL, 0, 80, in, out);
    fclose(in);
    fclose(out);
    return code;
}

START_TEST(it_asks_until_all_are_locked)
{
    read_three();
    ck_assert_int_eq(ask("no\n5\n"), 1);
    ck_assert_ptr_nonnull(strstr(printed, "1 of 3 · one"));
    ck_assert_ptr_nonnull(strstr(printed, "Type one number"));
    ck_assert_ptr_nonnull(strstr(printed, "  a) this\n  b) that\n"));
    ck_assert_ptr_nonnull(strstr(printed, "1 of 3 are locked."));
    forget();
    ck_assert_int_eq(ask("b\nepipe"), 0);
    ck_assert_ptr_nonnull(strstr(printed, "1 of 3 are locked already"));
    ck_assert_ptr_null(strstr(printed, "How many?"));
    forget();
    ck_assert_int_eq(ask("x\n"), 0); /* nothing is asked twice */
    forget();
    predict_questions_free(&questions);
}
END_TEST

START_TEST(a_typed_line_of_any_length_is_one_answer)
{
    char *input = malloc(5001);
    memset(input, '1', 5000);
    memcpy(input + 4990, "\n7\n", 4);
    read_three();
    ck_assert_int_eq(ask(input), 1);
    ck_assert_ptr_nonnull(strstr(printed, "too long"));
    ck_assert_ptr_nonnull(strstr(printed, "Locked: 7"));
    forget();
    free(input);
    predict_questions_free(&questions);
}
END_TEST

START_TEST(answers_can_be_given_at_once_and_are_locked_too)
{
    char *good[] = {(char[]){"one=4"}, (char[]){"two=A"}, NULL},
         *other[] = {(char[]){"one=5"}, NULL}, *none[] = {(char[]){"nine=1"}, NULL},
         *twice[] = {(char[]){"six=a"}, (char[]){"six=b"}, NULL};
    FILE *out = open_memstream(&printed, &printed_size);
    read_three();
    ck_assert_int_eq(predict_ask(&questions, second, good, 2, 80, NULL, out), 1);
    ck_assert_int_eq(predict_ask(&questions, second, good, 1, 80, NULL, out),
                     1); /* the same again is no change */
    ck_assert_int_eq(predict_ask(&questions, second, other, 1, 80, NULL, out), 2);
    ck_assert_int_eq(predict_ask(&questions, second, none, 1, 80, NULL, out), 2);
    ck_assert_int_eq(predict_ask(&questions, second, twice, 2, 80, NULL, out), 2);
    fclose(out);
    forget();
    struct predict_table table;
    ck_assert(predict_table_read(&table, second, 3, 3, false, err));
    ck_assert_uint_eq(table.count, 3);
    ck_assert_str_eq(table.row[1].cell[1], "a");
    predict_table_free(&table);
    predict_questions_free(&questions);
}
END_TEST

START_TEST(what_was_said_is_held_against_what_was_seen)
{
    static char seen[64];
    snprintf(seen, sizeof seen, "%s/seen.tsv", directory);
    read_three();
    write_file(second, "one\t5\tx\ntwo\ta\tx\n");
    write_file(seen, "one\t5\ntwo\t-\tno network here\n");
    FILE *out = open_memstream(&printed, &printed_size);
    ck_assert_int_eq(predict_reconcile(&questions, second, seen, 80, false, out), 0);
    fclose(out);
    ck_assert_str_eq(
        printed, "right  one\n"
                 "       You said: 5. Seen here: 5.\n"
                 "       This machine differs from the text. here: 5; the text's kernel: 4.\n"
                 "wrong  two\n"
                 "       You said: a) this. The text: b) that. Not seen here: no network here.\n"
                 "       not this\n"
                 "-      six\n"
                 "       You made no prediction. The text's answer: EPIPE.\n"
                 "\n1 of 2 right.\n");
    forget();
    unlink(seen);
    predict_questions_free(&questions);
}
END_TEST

static const struct {
    const char *observed;
    int code;
    const char *words;
} seen_by_author[] = {
    {"one\t4\ntwo\tb\nsix\tEPIPE\n", 0, ""},
    {"one\t4\ntwo\t-\tno network\nsix\t-\tno network\n", 0, "two: not measured: no network"},
    {"one\t5\ntwo\tb\nsix\tEPIPE\n", 1, "one: measured 5, predict.tsv has 4"},
    {"one\t4\ntwo\tb\n", 1, "six: not measured: it was not observed"},
    {"one\t4\ntwo\tb\nsix\t-\n", 1, "six: not measured: no reason was given"},
    {"one\t4\ntwo\tb\nsix\tEPIPE\nten\t1\n", 1, "ten: measured, and"},
    {"one\t4\ntwo\tb\nsix\tEPIPE\nbroken\n", 1, ""},
    {"one\t-\tno\ntwo\t-\tno\nsix\t-\tno\n", 4, "one: not measured: no"},
};

START_TEST(an_author_is_told_what_does_not_agree)
{
    read_three();
    write_file(second, seen_by_author[_i].observed);
    FILE *out = open_memstream(&printed, &printed_size);
    ck_assert_int_eq(predict_agree(&questions, second, out), seen_by_author[_i].code);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(printed, seen_by_author[_i].words));
    forget();
    predict_questions_free(&questions);
}
END_TEST

static const struct {
    const char *table, *readme, *words; /* words NULL: nothing to say */
} form[] = {
    {three, "**Reconcile:** `one`, `two`. x\n\n**Reconcile:** `six`: `other`\n", NULL},
    {three, "**Reconcile:** `one`,\n`two` and `six`\n", NULL},
    {three, "**Reconcile:** `one`, `two`\n", "`six`"},
    {three, "**Reconcile:** `one`, `two`, `six`, `ten`\n", "reconciles `ten`"},
    {"id\tx\na\tnumber\tq\t1\t* → no\n", NULL, NULL},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tnumber\tq\t1\t* → no\n", "**Reconcile:** `a`\n",
     "1 questions"},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tnumber\tq\t1\t2 → no\n", "", "at least two"},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tnumber\tq\t1\t1, 2 → no\n", "",
     "names the right answer: 1"},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tnumber\tq\t1\tx → no\n", "", "nobody can give: x"},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tnumber\tq\t1\t2, 3 no\n", "", "is not `ANSWER"},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tchoice\ta) x b) y c) z\ta\tb → no\n", "",
     "leads to c"},
    {"# id\tkind\tquestion\tanswer\tif-wrong\na\tchoice\ta) x\ta\tb → no\n", "", "no choices"},
};

START_TEST(the_form_is_held)
{
    write_file(path, form[_i].table);
    bool read = predict_questions_read(&questions, path, err);
    ck_assert(read == (form[_i].readme != NULL));
    if (read) {
        write_file(second, form[_i].readme);
        FILE *out = open_memstream(&printed, &printed_size);
        ck_assert_int_eq(predict_lint(&questions, second, out), form[_i].words != NULL);
        fclose(out);
        ck_assert_msg(form[_i].words == NULL ? *printed == '\0'
                                             : strstr(printed, form[_i].words) != NULL,
                      "%s", printed);
        forget();
    }
    predict_questions_free(&questions);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("predict");
    TCase *answers = tcase_create("answers"), *tables = tcase_create("tables"),
          *commands = tcase_create("commands");
    tcase_add_loop_test(answers, an_answer_is_taken_or_refused_with_a_reason, 0, COUNT(typed));
    tcase_add_test(answers, a_long_answer_is_refused);
    tcase_add_loop_test(answers, an_answer_is_right_or_not, 0, COUNT(held));
    tcase_add_test(answers, a_prediction_is_held_against_what_was_seen);
    tcase_add_test(answers, one_right_answer_can_be_typed);
    tcase_add_test(answers, a_wrongly_written_answer_is_a_fault);
    tcase_add_test(answers, choices_are_the_letters_in_their_order);
    tcase_add_test(answers, a_wrong_answer_has_a_thought_behind_it);
    tcase_add_test(answers, any_if_wrong_is_read_to_its_end);
    tcase_add_checked_fixture(tables, set_up, tear_down);
    tcase_add_test(tables, a_broken_line_is_told_and_passed_over);
    tcase_add_test(tables, the_first_answer_is_locked);
    tcase_add_test(tables, what_a_terminal_would_obey_is_spelled_out);
    tcase_add_test(tables, a_missing_table_is_empty_or_an_error);
    tcase_add_test(tables, questions_are_refused_with_their_lines);
    tcase_add_test(tables, any_bytes_are_a_table_or_none);
    tcase_add_test(tables, long_lines_and_many_lines_are_bounded);
    tcase_add_test(tables, an_answer_is_appended_as_one_line);
    tcase_add_checked_fixture(commands, set_up, tear_down);
    tcase_add_test(commands, it_asks_until_all_are_locked);
    tcase_add_test(commands, a_typed_line_of_any_length_is_one_answer);
    tcase_add_test(commands, answers_can_be_given_at_once_and_are_locked_too);
    tcase_add_test(commands, what_was_said_is_held_against_what_was_seen);
    tcase_add_loop_test(commands, an_author_is_told_what_does_not_agree, 0, COUNT(seen_by_author));
    tcase_add_loop_test(commands, the_form_is_held, 0, COUNT(form));
    suite_add_tcase(suite, answers);
    suite_add_tcase(suite, tables);
    suite_add_tcase(suite, commands);
    return unit_main(suite);
}
