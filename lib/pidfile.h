/*
 * pidfile.h - a file that says which process to signal, whole or not there.
 */
#ifndef ECHOLAB_PIDFILE_H
#define ECHOLAB_PIDFILE_H

struct el_pidfile {
    const char *path; /* borrowed; NULL: there is none */
    int fd;
};

/*
 * Writes our pid and a newline to `path`, replacing a file that is there in one step (rename(2)). 0 or -errno;
 * -EEXIST: what is there is no regular file (a device, a symbolic link …), and stays.
 */
int el_pidfile_write(struct el_pidfile *pidfile, const char *path);

/*
 * Removes the file, if it is still ours and not a successor's. Once privileges are dropped its directory may not let us:
 * then it is emptied, so that nobody signals a stranger who got our number. -errno if not even that was possible. A zeroed one is fine.
 */
int el_pidfile_remove(struct el_pidfile *pidfile);

#endif
