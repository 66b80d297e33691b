/*
 * pidfile.c - writes the pid file so that no reader ever sees half of it.
 *
 * Teaches:  write to a name of your own, then rename(2): readers see the old file or the new one.
 * Partner:  pidfile.h; used by service.c.
 * Leaves out: being a lock. That two servers do not share a port is bind(2)'s to say, and it does.
 */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * [#no-strange-pidfile] rename(2) replaces whatever is there, and root may replace anything: a device in /dev, or a symbolic
 * link that someone else relies on. Only an old pid file, so a regular file, is ours to replace. (Somebody who may
 * write to that directory can still put something there in between; it is theirs that is lost then.)
 */
static int check_place(const char *path)
{
    struct stat there;
    if (lstat(path, &there) < 0)
        return errno == ENOENT ? 0 : -errno;
    return S_ISREG(there.st_mode) ? 0 : -EEXIST;
}

int el_pidfile_write(struct el_pidfile *pidfile, const char *path)
{
    char temporary[PATH_MAX], pid[24];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return -ENAMETOOLONG;
    int error = check_place(path);
    if (error < 0)
        return error;
    int fd =
        mkostemp(temporary, O_CLOEXEC); /* in the same directory: rename(2) cannot cross disks */
    if (fd < 0)
        return -errno;

    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    ssize_t written = write(fd, pid, (size_t)length);
    error = written == length ? 0 : written < 0 ? -errno : -ENOSPC;
    /* mkostemp(3) made it for us alone; a pid is no secret, and others must be able to read it. */
    if (error == 0 && (fchmod(fd, 0644) < 0 || rename(temporary, path) < 0))
        error = -errno;
    if (error < 0) {
        unlink(temporary);
        close(fd);
        return error;
    }
    *pidfile = (struct el_pidfile){.path = path, .fd = fd};
    return 0;
}

int el_pidfile_remove(struct el_pidfile *pidfile)
{
    if (pidfile->path == NULL)
        return 0;
    struct stat ours, there;
    int error = 0;
    if (fstat(pidfile->fd, &ours) == 0 && lstat(pidfile->path, &there) == 0 &&
        ours.st_dev == there.st_dev && ours.st_ino == there.st_ino && unlink(pidfile->path) < 0 &&
        ftruncate(pidfile->fd, 0) < 0)
        error = -errno;
    close(pidfile->fd);
    *pidfile = (struct el_pidfile){0};
    return error;
}
