/*
 * fuzz_predict.c - the questions of a lab, an answer that somebody types, and what becomes of both.
 *
 * Input:    what is typed, what was observed and predict.tsv, parted by lines "==". Each may be anything.
 * Asserted: a file of questions is taken, or refused with messages fit for a terminal; an answer is taken, and taken again as
 *           itself, or refused with a sentence; the right answer of a question without fault can be typed, and is right; an answer
 *           that was locked stays what it was; asking, reconciling and the lint come to an end, and print nothing that
 *           steers a terminal.
 * Run:      make fuzz FUZZ=predict
 */
#include "fuzz.h"
#include "fuzz_files.h"
#include "predict_answer.h"
#include "predict_commands.h"

enum { WIDTH = 80, PATH_BYTES = 256 };

/* What is printed while it is open is looked at when it is closed. */
struct page {
    char *text;
    size_t length;
    FILE *out;
};

static void page_open(struct page *page)
{
    *page = (struct page){0};
    page->out = open_memstream(&page->text, &page->length);
    fuzz_holds(page->out != NULL);
}

static void page_close(struct page *page)
{
    fuzz_holds(fclose(page->out) == 0);
    for (size_t i = 0; i < page->length; i++) {
        unsigned char c = (unsigned char)page->text[i];
        fuzz_holds(c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f));
    }
    free(page->text);
}

static const char *path_of(const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", fuzz_directory(), name);
    return path;
}

/* Up to the next line "==", into a file. */
static void write_part(struct fuzz_input *input, const char *name)
{
    static const char mark[] = "==\n";
    const uint8_t *end = input->left > 0 ? memmem(input->at, input->left, mark, 3) : NULL;
    size_t length = end != NULL ? (size_t)(end - input->at) : input->left;
    fuzz_write(name, input->at, length);
    input->at += length + (end != NULL ? 3 : 0);
    input->left -= length + (end != NULL ? 3 : 0);
}

static void check_typed(const struct predict_question *question, const char *typed)
{
    char answer[PREDICT_ANSWER_BYTES], again[PREDICT_ANSWER_BYTES];
    const char *why = predict_answer_read(question, typed, answer);
    if (why != NULL) {
        fuzz_holds(fuzz_sentence(why));
        return;
    }
    fuzz_holds(predict_answer_read(question, answer, again) == NULL && strcmp(answer, again) == 0);
    predict_answer_agrees(question, question->answer, answer);
    predict_answer_seen(question, answer, answer);
    struct predict_part thought = predict_misconception(question, answer);
    fuzz_holds(thought.length == 0 ||
               (thought.text >= question->if_wrong &&
                thought.text + thought.length <= question->if_wrong + strlen(question->if_wrong)));
}

static void check_question(const struct predict_question *question, const char *typed)
{
    fuzz_holds(fuzz_printable(question->id) && *question->id != '\0');
    fuzz_holds(question->kind <= PREDICT_WORD);
    check_typed(question, typed);
    const char *fault = predict_answer_fault(question);
    if (fault != NULL) {
        fuzz_holds(fuzz_sentence(fault));
        return;
    }
    char right[PREDICT_ANSWER_BYTES], read[PREDICT_ANSWER_BYTES];
    predict_answer_right(question, right);
    fuzz_holds(predict_answer_read(question, right, read) == NULL);
    fuzz_holds(predict_answer_agrees(question, question->answer, read));
}

/* Asks twice: what has an answer is not asked again. */
static void check_asking(const struct predict_questions *questions, FILE *out)
{
    char typed[PATH_BYTES], predictions[PATH_BYTES];
    struct predict_table locked, later;
    path_of("predictions", predictions);
    for (int round = 0; round < 2; round++) {
        FILE *in = fopen(path_of("typed", typed), "re");
        fuzz_holds(in != NULL);
        int result = predict_ask(questions, predictions, NULL, 0, WIDTH, in, out);
        fclose(in);
        fuzz_holds(result == 0 || result == 1);
        struct predict_table *table = round == 0 ? &locked : &later;
        fuzz_holds(predict_table_read(table, predictions, 3, 3, true, out) && table->broken == 0);
        fuzz_holds(result == 1 || table->count == questions->count);
    }
    fuzz_holds(later.count >= locked.count);
    for (size_t i = 0; i < locked.count; i++)
        fuzz_holds(strcmp(locked.row[i].cell[1], later.row[i].cell[1]) == 0);
    predict_table_free(&locked);
    predict_table_free(&later);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size}, first = input;
    struct predict_questions questions;
    struct page page;
    char path[PATH_BYTES], observed[PATH_BYTES], predictions[PATH_BYTES];
    fuzz_empty(fuzz_directory());
    write_part(&input, "typed");
    write_part(&input, "observed");
    fuzz_write("questions", input.at, input.left);
    char *typed = fuzz_text(&first, '\n');
    page_open(&page);
    bool good = predict_questions_read(&questions, path_of("questions", path), page.out);
    for (size_t i = 0; i < questions.count; i++)
        check_question(&questions.item[i], typed);
    if (good) {
        fuzz_holds(questions.count > 0);
        check_asking(&questions, page.out);
        predict_agree(&questions, path_of("observed", observed), page.out);
        predict_reconcile(&questions, path_of("predictions", predictions), observed, WIDTH, false,
                          page.out);
        predict_lint(&questions, path, page.out);
    }
    page_close(&page);
    predict_questions_free(&questions);
    free(typed);
    return 0;
}
