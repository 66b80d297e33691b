/*
 * shim_alloc.c - memory that runs out at the chosen call, and a balance of what was not given back.
 *
 * Teaches:  how to stand in front of malloc(3): everything calls it, also the search for the next malloc. What is asked
 *           for meanwhile comes from a few pages of our own, [#first-pages], and is never given back.
 * Partner:  shim.c, the manual. strdup is made of malloc here, since a sanitizer's own would go past us.
 * Leaves out: mmap(2), so also the stacks of threads; and the allocations of the dynamic linker before libc is there.
 */
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

static alignas(16) unsigned char first_pages[16384];
static _Atomic size_t first_used;
static _Atomic bool searching;

static void *first_page(size_t size)
{
    size_t at = first_used;
    first_used += (size + 15) / 16 * 16;
    return first_used <= sizeof first_pages ? first_pages + at : NULL;
}

static bool is_first_page(const void *block)
{
    const unsigned char *byte = block;
    return byte >= first_pages && byte < first_pages + sizeof first_pages;
}

/* As NEXT(name), but tells when the search has come back to us. */
#define ALLOC_NEXT(name)                                                                           \
    __extension__({                                                                                \
        static _Atomic(void *) found_;                                                             \
        if (found_ == NULL && !searching) {                                                        \
            searching = true;                                                                      \
            found_ = shim_next(#name);                                                             \
            searching = false;                                                                     \
        }                                                                                          \
        (__typeof__(&(name)))found_;                                                               \
    })

/*
 * [#no-way-out] Two of libc's own functions do not come back from a refusal, and nobody outside can mend that: so in them
 * memory does not run out. getpwnam_r and getpwuid_r: glibc 2.36 follows the NULL that it got (nss/nss_database.c,
 * nss_database_check_reload_and_get). pthread_getattr_np: a sanitizer asks it about each new thread, and aborts the
 * process if it fails.
 */
static __thread bool sheltered __attribute__((tls_model("initial-exec")));

static bool runs_out(void)
{
    if (sheltered)
        return false;
    struct shim_fate fate = shim_begin(SHIM_ALLOC);
    if (!fate.faulty)
        return false;
    shim_fail(SHIM_ALLOC, ENOMEM);
    return true;
}

static void *counted(void *block)
{
    if (block != NULL)
        shim_counts[SHIM_BLOCKS_NOW].calls++;
    return block;
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's headers call all of them __fd, __buf ...
void *malloc(size_t size)
{
    __typeof__(&malloc) next = ALLOC_NEXT(malloc);
    if (next == NULL)
        return first_page(size);
    return runs_out() ? NULL : counted(next(size));
}

void *calloc(size_t count, size_t size)
{
    __typeof__(&calloc) next = ALLOC_NEXT(calloc);
    if (next == NULL)
        return first_page(count * size); /* of a static array: zeros */
    return runs_out() ? NULL : counted(next(count, size));
}

void *realloc(void *block, size_t size)
{
    if (is_first_page(block)) {
        size_t held = (size_t)(first_pages + sizeof first_pages - (unsigned char *)block);
        void *moved = malloc(size);
        if (moved != NULL)
            memcpy(moved, block, size < held ? size : held);
        return moved;
    }
    if (runs_out())
        return NULL;
    void *moved = ALLOC_NEXT(realloc)(block, size);
    return block == NULL ? counted(moved) : moved;
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(count, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, all);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int saved = errno;
    if (runs_out()) {
        errno = saved; /* it returns the error, and leaves errno (posix_memalign(3)) */
        return ENOMEM;
    }
    int error = ALLOC_NEXT(posix_memalign)(block, alignment, size);
    if (error == 0)
        counted(*block);
    return error;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return runs_out() ? NULL : counted(ALLOC_NEXT(aligned_alloc)(alignment, size));
}

char *strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

void free(void *block)
{
    if (block == NULL || is_first_page(block))
        return;
    __typeof__(&free) next = ALLOC_NEXT(free);
    if (next == NULL)
        return; /* a message of dlsym(3), while it searches for us */
    shim_counts[SHIM_BLOCKS_NOW].calls--;
    next(block);
}

int getpwnam_r(const char *restrict name, struct passwd *restrict entry, char *restrict buffer,
               size_t size, struct passwd **restrict found)
{
    sheltered = true;
    int error = NEXT(getpwnam_r)(name, entry, buffer, size, found);
    sheltered = false;
    return error;
}

int getpwuid_r(uid_t uid, struct passwd *restrict entry, char *restrict buffer, size_t size,
               struct passwd **restrict found)
{
    sheltered = true;
    int error = NEXT(getpwuid_r)(uid, entry, buffer, size, found);
    sheltered = false;
    return error;
}

int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    sheltered = true;
    int error = NEXT(pthread_getattr_np)(thread, attributes);
    sheltered = false;
    return error;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
