/* files.c - see fuzz_files.h. */
#include "fuzz_files.h"

#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LENGTH = 512, DEEPEST = 8 };

static char path[PATH_LENGTH];

static int remove_one(const char *file, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind;
    if (where->level > 0)
        fuzz_holds(remove(file) == 0);
    return 0;
}

void fuzz_empty(const char *directory)
{
    fuzz_holds(nftw(directory, remove_one, DEEPEST, FTW_DEPTH | FTW_PHYS) == 0);
}

static void take_away(void)
{
    fuzz_empty(path);
    rmdir(path);
}

const char *fuzz_directory(void)
{
    const char *wanted = getenv("TMPDIR");
    if (path[0] != '\0')
        return path;
    snprintf(path, sizeof path, "%s/echolab-fuzz.XXXXXX", wanted != NULL ? wanted : "/tmp");
    fuzz_holds(mkdtemp(path) != NULL);
    fuzz_holds(atexit(take_away) == 0);
    return path;
}

void fuzz_write(const char *name, const void *bytes, size_t length)
{
    char file[PATH_LENGTH + 64];
    snprintf(file, sizeof file, "%s/%s", fuzz_directory(), name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_holds(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

/* ---- gathering ------------------------------------------------------------------------------- */

static void gather_file(const char *file, size_t skip, FILE *into)
{
    char block[4096];
    size_t got;
    FILE *from = fopen(file, "re");
    fuzz_holds(from != NULL);
    fprintf(into, "%s\n", file + skip);
    while ((got = fread(block, 1, sizeof block, from)) > 0)
        fwrite(block, 1, got, into);
    fclose(from);
}

static void gather_all(const char *directory, size_t skip, FILE *into)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);
    fuzz_holds(count >= 0);
    for (int i = 0; i < count; i++) {
        char below[PATH_LENGTH + 256];
        struct stat about;
        snprintf(below, sizeof below, "%s/%s", directory, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && lstat(below, &about) == 0) {
            if (S_ISDIR(about.st_mode))
                gather_all(below, skip, into);
            else
                gather_file(below, skip, into);
        }
        free(entries[i]);
    }
    free(entries);
}

char *fuzz_gather(const char *directory, size_t *length)
{
    char *all = NULL;
    FILE *into = open_memstream(&all, length);
    fuzz_holds(into != NULL);
    gather_all(directory, strlen(directory), into);
    fuzz_holds(fclose(into) == 0);
    return all;
}
