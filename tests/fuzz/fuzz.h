/*
 * fuzz.h - what the fuzz harnesses share: a property that must hold, and an input that is eaten from its front.
 *
 * A harness is one function, LLVMFuzzerTestOneInput: it is given any bytes and says what must be true of what becomes of
 * them. libFuzzer calls it with inputs that it invents (make fuzz FUZZ=NAME, needs clang); replay.c calls it with those that
 * are kept in tests/fuzz/corpus/NAME (make test, needs nothing).
 * Partner:  replay.c. Read next: fuzz_endpoint.c, the simplest.
 */
#ifndef ECHOLAB_FUZZ_H
#define ECHOLAB_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0: the input was of use; -1: libFuzzer need not keep it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3): it must also hold where NDEBUG is defined. The sanitizers show where abort(3) was called from. */
#define fuzz_holds(property)                                                                       \
    do {                                                                                           \
        if (!(property)) {                                                                         \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct fuzz_input {
    const uint8_t *at; /* borrowed */
    size_t left;
};

/* What is not there reads as 0, so that a short input is one that ends quietly. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

/* `octets` bytes (0..8) as a number, the first one lowest. */
static inline uint64_t fuzz_number(struct fuzz_input *input, unsigned octets)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < octets; i++)
        number |= (uint64_t)fuzz_byte(input) << 8 * i;
    return number;
}

/*
 * The bytes up to `end` (which is eaten) or to the end of the input, as a text of its own: a read beyond its NUL is
 * seen by ASan. A NUL in it ends it earlier. The caller frees it.
 */
static inline char *fuzz_text(struct fuzz_input *input, uint8_t end)
{
    const uint8_t *stop = input->left == 0 ? NULL : memchr(input->at, end, input->left);
    size_t length = stop == NULL ? input->left : (size_t)(stop - input->at);
    char *text = malloc(length + 1);
    fuzz_holds(text != NULL);
    if (length > 0)
        memcpy(text, input->at, length);
    text[length] = '\0';
    input->at += length + (stop != NULL);
    input->left -= length + (stop != NULL);
    return text;
}

/* The whole input as a text. The caller frees it. */
static inline char *fuzz_whole(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    return fuzz_text(&input, 0);
}

/* Is every character printable ASCII? What foreign bytes become must be fit for any terminal. */
static inline bool fuzz_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* Our own sentences may have UTF-8 in them, but no control characters. */
static inline bool fuzz_sentence(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return false;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

#endif
