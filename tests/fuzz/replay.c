/*
 * replay.c - gives a fuzz harness the inputs that are kept: what was found once is not to come back.
 *
 *   build/plain/fuzz/endpoint tests/fuzz/corpus/endpoint      prints how many there were
 *   build/plain/fuzz/endpoint crash-4a5b6c                    one that libFuzzer has left
 *
 * Partner:  fuzz.h; replay.t runs this for every harness. It is linked in place of libFuzzer's main, so it needs no clang.
 * Each input lies in memory of exactly its size, where ASan sees a read beyond it. An input that does not come
 * back within the alarm ends the process: a parser that hangs is as bad as one that crashes.
 */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, PATIENCE_S = 20 };

static const char *replaying = ""; /* for the one who reads what a crash has left behind */

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat about;
    if (file == NULL || fstat(fileno(file), &about) < 0 || about.st_size > INPUT_MAX) {
        perror(path);
        if (file != NULL)
            fclose(file);
        return -1;
    }
    size_t size = (size_t)about.st_size;
    uint8_t *bytes = malloc(size + (size == 0)); /* of no bytes it may be NULL */
    bool whole = bytes != NULL && fread(bytes, 1, size, file) == size;
    fclose(file);
    if (whole) {
        replaying = path;
        alarm(PATIENCE_S);
        LLVMFuzzerTestOneInput(bytes, size);
        alarm(0);
    } else {
        perror(path);
    }
    free(bytes);
    return whole ? 1 : -1;
}

/* How many inputs are in `path`, a file or a directory of files; -1: not all could be read. */
static int replay(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    if (directory == NULL)
        return replay_file(path);
    for (struct dirent *entry; count >= 0 && (entry = readdir(directory)) != NULL;) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        int more = replay_file(file);
        count = more < 0 ? -1 : count + more;
    }
    closedir(directory);
    return count;
}

/* The input has a name, so say it; then die of the signal as before. Only what signal-safety(7) allows. */
static void on_fatal(int number)
{
    static const char in[] = "in the input ";
    (void)!write(STDERR_FILENO, in, sizeof in - 1);
    (void)!write(STDERR_FILENO, replaying, strlen(replaying));
    (void)!write(STDERR_FILENO, "\n", 1);
    signal(number,
           SIG_DFL); /* NOLINT(cert-sig34-c,bugprone-signal-handler): it is async-signal-safe */
    raise(number);
}

int main(int argc, char **argv)
{
    int count = 0;
    signal(SIGABRT, on_fatal);
    signal(SIGALRM, on_fatal);
    for (int i = 1; i < argc; i++) {
        int more = replay(argv[i]);
        if (more < 0)
            return EXIT_FAILURE;
        count += more;
    }
    printf("%d\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
