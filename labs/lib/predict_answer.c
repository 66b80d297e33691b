/* predict_answer.c - see predict_answer.h. */
#include "predict_answer.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char arrow[] = "→";

/* ---- numbers ------------------------------------------------------------------------------- */

struct range {
    double low, high, tolerance; /* tolerance: a share, 0.2 for 20% */
};

/* A decimal number without sign or exponent; moves *text behind it. */
static bool read_number(const char **text, double *number)
{
    const char *digits = "0123456789";
    size_t whole = strspn(*text, digits), length = whole;
    if (whole > 0 && (*text)[whole] == '.' && strspn(*text + whole + 1, digits) > 0)
        length += 1 + strspn(*text + whole + 1, digits);
    if (whole == 0 || length > 18) /* no counter here has more, and a double holds it */
        return false;
    *number = strtod(*text, NULL);
    *text += length;
    return true;
}

static bool read_range(const char *text, struct range *range)
{
    double percent = 0;
    if (!read_number(&text, &range->low))
        return false;
    range->high = range->low;
    range->tolerance = 0;
    if (strncmp(text, "..", 2) == 0) {
        text += 2;
        return read_number(&text, &range->high) && *text == '\0' && range->low <= range->high;
    }
    if (strncmp(text, "+-", 2) == 0) {
        text += 2;
        if (!read_number(&text, &percent) || strcmp(text, "%") != 0)
            return false;
        range->tolerance = percent / 100;
        range->high = range->low * (1 + range->tolerance);
        range->low *= 1 - range->tolerance;
        return true;
    }
    return *text == '\0';
}

static bool within(const struct range *range, const char *value)
{
    double number;
    double slack = 1e-9 * (1 + fabs(range->high)); /* 0.1 is none in binary */
    return read_number(&value, &number) && *value == '\0' && number >= range->low - slack &&
           number <= range->high + slack;
}

/* ---- choices ------------------------------------------------------------------------------- */

size_t predict_choices(const char *question, struct predict_part part[PREDICT_CHOICES_MAX + 1])
{
    size_t count = 0;
    const char *begin = question;
    for (const char *c = question; *c != '\0'; c++) {
        bool first = c == question || c[-1] == ' ';
        if (!first || count == PREDICT_CHOICES_MAX || c[0] != (char)('a' + count) || c[1] != ')' ||
            c[2] != ' ')
            continue;
        part[count++] = (struct predict_part){.text = begin, .length = (size_t)(c - begin)};
        begin = c;
    }
    part[count] = (struct predict_part){.text = begin, .length = strlen(begin)};
    for (size_t i = 0; i <= count; i++)
        while (part[i].length > 0 && part[i].text[part[i].length - 1] == ' ')
            part[i].length--;
    return count;
}

/* ---- words --------------------------------------------------------------------------------- */

/* One of the alternatives between bars, in any case. */
static bool is_one_of(const char *alternatives, const char *word)
{
    size_t wanted = strlen(word);
    for (;;) {
        size_t length = strcspn(alternatives, "|");
        if (length == wanted && strncasecmp(alternatives, word, length) == 0)
            return true;
        if (alternatives[length] == '\0')
            return false;
        alternatives += length + 1;
    }
}

/* ---- answers ------------------------------------------------------------------------------- */

static const char *read_choice(const struct predict_question *question, char *answer)
{
    struct predict_part part[PREDICT_CHOICES_MAX + 1];
    size_t count = predict_choices(question->question, part);
    answer[0] = (char)tolower((unsigned char)answer[0]);
    if (answer[1] == ')')
        answer[1] = '\0'; /* as it stands in the question */
    if (answer[1] != '\0' || answer[0] < 'a' || answer[0] >= (char)('a' + count))
        return "Type the letter of one of the choices.";
    return NULL;
}

const char *predict_answer_read(const struct predict_question *question, const char *typed,
                                char *answer)
{
    const char *rest;
    double number;
    typed += strspn(typed, " \t\r\n");
    size_t length = strlen(typed);
    while (length > 0 && strchr(" \t\r\n", typed[length - 1]) != NULL)
        length--;
    if (length == 0)
        return "That is no answer yet. A guess will do: a wrong one teaches most.";
    if (length >= PREDICT_ANSWER_BYTES)
        return "That is too long for an answer.";
    memmove(answer, typed, length); /* they may be the same */
    answer[length] = '\0';
    switch (question->kind) {
    case PREDICT_NUMBER:
        rest = answer;
        return read_number(&rest, &number) && *rest == '\0'
                   ? NULL
                   : "Type one number, in digits and without a unit: 5, or 0.5.";
    case PREDICT_CHOICE:
        return read_choice(question, answer);
    case PREDICT_WORD:
        break;
    }
    for (const char *c = answer; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("_-./:", *c) == NULL)
            return "Type one word, of letters and digits: ECONNREFUSED, for example.";
    return NULL;
}

/* Each of the alternatives must be something that a person can type, to the letter. */
static const char *word_fault(const struct predict_question *question)
{
    char written[PREDICT_ANSWER_BYTES], answer[PREDICT_ANSWER_BYTES];
    for (const char *word = question->answer;; word++) {
        size_t length = strcspn(word, "|");
        if (length >= sizeof written)
            return "the answer is too long for one";
        memcpy(written, word, length);
        written[length] = '\0';
        if (predict_answer_read(question, written, answer) != NULL || strcmp(written, answer) != 0)
            return "the answer is not one word, or words with bars between";
        word += length;
        if (*word == '\0')
            return NULL;
    }
}

const char *predict_answer_fault(const struct predict_question *question)
{
    char answer[PREDICT_ANSWER_BYTES];
    struct range range;
    struct predict_part part[PREDICT_CHOICES_MAX + 1];
    switch (question->kind) {
    case PREDICT_NUMBER:
        return read_range(question->answer, &range) ? NULL : "the answer is not N, N..M or N+-P%";
    case PREDICT_CHOICE:
        if (predict_choices(question->question, part) < 2)
            return "the question has no choices `a) … b) …`";
        return predict_answer_read(question, question->answer, answer) == NULL &&
                       strcmp(question->answer, answer) == 0
                   ? NULL
                   : "the answer is not the letter of a choice, a small one";
    case PREDICT_WORD:
        return word_fault(question);
    }
    return NULL;
}

bool predict_answer_agrees(const struct predict_question *question, const char *written,
                           const char *value)
{
    struct range range;
    if (question->kind == PREDICT_NUMBER)
        return read_range(written, &range) && within(&range, value);
    return is_one_of(written, value);
}

bool predict_answer_seen(const struct predict_question *question, const char *observed,
                         const char *given)
{
    struct range text, seen;
    if (predict_answer_agrees(question, question->answer, observed))
        return predict_answer_agrees(question, question->answer, given);
    if (question->kind != PREDICT_NUMBER || !read_range(question->answer, &text) ||
        !read_range(observed, &seen))
        return predict_answer_agrees(question, observed, given);
    seen.high *= 1 + text.tolerance;
    seen.low *= 1 - text.tolerance;
    return within(&seen, given);
}

void predict_answer_right(const struct predict_question *question, char *answer)
{
    size_t length = strcspn(question->answer, "|");
    const char *range = strstr(question->answer, ".."), *tolerance = strstr(question->answer, "+-");
    if (question->kind == PREDICT_NUMBER && range != NULL)
        length = (size_t)(range - question->answer);
    if (question->kind == PREDICT_NUMBER && tolerance != NULL)
        length = (size_t)(tolerance - question->answer);
    if (length >= PREDICT_ANSWER_BYTES)
        length = PREDICT_ANSWER_BYTES - 1;
    memcpy(answer, question->answer, length);
    answer[length] = '\0';
}

/* ---- the thought behind a wrong one -------------------------------------------------------- */

static struct predict_part trim(const char *text, size_t length)
{
    while (length > 0 && *text == ' ')
        text++, length--;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return (struct predict_part){.text = text, .length = length};
}

/* Where a text ends: a semicolon in it is part of it, unless answers and an arrow follow. */
static size_t text_length(const char *text)
{
    const char *next = strstr(text, arrow);
    if (next == NULL)
        return strlen(text);
    while (next > text && *next != ';')
        next--;
    return (size_t)(next - text);
}

bool predict_entry_next(const char **rest, struct predict_entry *entry)
{
    const char *begin = *rest + strspn(*rest, " ;");
    if (*begin == '\0') {
        *rest = NULL;
        return false;
    }
    const char *there = strstr(begin, arrow);
    if (there == NULL || there == begin)
        return false;
    const char *text = there + strlen(arrow);
    size_t length = text_length(text);
    *entry = (struct predict_entry){.answers = trim(begin, (size_t)(there - begin)),
                                    .text = trim(text, length)};
    if (entry->text.length == 0 || entry->answers.length == 0)
        return false;
    *rest = text + length;
    return true;
}

bool predict_entry_answer(struct predict_part *answers, struct predict_part *answer)
{
    if (answers->length == 0)
        return false;
    const char *comma = memchr(answers->text, ',', answers->length);
    size_t length = comma != NULL ? (size_t)(comma - answers->text) : answers->length;
    *answer = trim(answers->text, length);
    length += comma != NULL;
    answers->text += length;
    answers->length -= length;
    return true;
}

struct predict_part predict_misconception(const struct predict_question *question,
                                          const char *given)
{
    struct predict_part otherwise = {0}, answer;
    struct predict_entry entry;
    const char *rest = question->if_wrong;
    while (predict_entry_next(&rest, &entry)) {
        while (predict_entry_answer(&entry.answers, &answer)) {
            char one[PREDICT_ANSWER_BYTES];
            snprintf(one, sizeof one, "%.*s", (int)answer.length, answer.text);
            if (strcmp(one, "*") == 0)
                otherwise = entry.text;
            else if (predict_answer_agrees(question, one, given))
                return entry.text;
        }
    }
    return otherwise;
}
