/* Writes down, in order, what a process does to the files below one directory.
 *
 * Preloaded into the process (LD_PRELOAD). It stands in front of the C library's own functions, does what they do, and
 * appends one record for each change to the file POWER_CUT_LOG, for paths below POWER_CUT_DIRECTORY. One lock is held
 * over the deed and its record, so the order of the records is the order of the deeds.
 *
 * A record: kind (1 byte), inode (8), offset or length (8), size of the text (4), the text. Numbers are little-endian, as
 * on the hosts it runs on. The text is a path, two paths with a zero byte between them, or the bytes written.
 *
 * Reads, locks and shared memory are not recorded: SQLite's index of its log (-shm) is made anew after a crash. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MADE = 1, WRITTEN, CUT, SYNCED, FOLDER_SYNCED, REMOVED, RENAMED, FOLDER_MADE };
enum { MOST_FILES = 4096 };
enum { OTHER = 0, OURS, FOLDER };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char watched[PATH_MAX];
static size_t watched_length;
static int record = -1;
static unsigned char kinds[MOST_FILES];
static char *folders[MOST_FILES];

__attribute__((constructor)) static void begin(void) {
  const char *directory = getenv("POWER_CUT_DIRECTORY");
  const char *path = getenv("POWER_CUT_LOG");
  if (!directory || !path || strlen(directory) >= sizeof watched) return;
  strcpy(watched, directory);
  watched_length = strlen(watched);
  record = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
  return record >= 0 && path && strncmp(path, watched, watched_length) == 0 &&
         (path[watched_length] == '/' || path[watched_length] == 0);
}

static unsigned char kind_of(int file) {
  return record >= 0 && file >= 0 && file < MOST_FILES ? kinds[file] : OTHER;
}

/* What cannot be recorded makes the whole record worthless. */
static void note(unsigned char kind, uint64_t inode, uint64_t number, const void *text, uint32_t size) {
  unsigned char head[21];
  head[0] = kind;
  memcpy(head + 1, &inode, 8);
  memcpy(head + 9, &number, 8);
  memcpy(head + 17, &size, 4);
  struct iovec parts[2] = {{head, sizeof head}, {(void *)text, size}};
  if (syscall(SYS_writev, record, parts, 2) != (long)(sizeof head + size)) abort();
}

static uint64_t inode_of(int file) {
  struct stat found;
  return fstat(file, &found) == 0 ? found.st_ino : 0;
}

static int opened(int file, const char *path, int was_there, int flags) {
  if (file < 0 || file >= MOST_FILES) return file;
  struct stat found;
  if (fstat(file, &found) != 0) return file;
  if (S_ISDIR(found.st_mode)) {
    kinds[file] = FOLDER;
    folders[file] = strdup(path);
    return file;
  }
  kinds[file] = OURS;
  if (!was_there) note(MADE, found.st_ino, 0, path, strlen(path));
  if (was_there && (flags & O_TRUNC)) note(CUT, found.st_ino, 0, "", 0);
  return file;
}

static int open_as(const char *path, int flags, mode_t mode) {
  if (!is_ours(path)) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  pthread_mutex_lock(&lock);
  int was_there = access(path, F_OK) == 0;
  int file = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  int why = errno;
  opened(file, path, was_there, flags);
  pthread_mutex_unlock(&lock);
  errno = why;
  return file;
}

static mode_t mode_of(int flags, va_list *more) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(*more, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = mode_of(flags, &more);
  va_end(more);
  return open_as(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = mode_of(flags, &more);
  va_end(more);
  return open_as(path, flags, mode);
}

int close(int file) {
  pthread_mutex_lock(&lock);
  if (kind_of(file) == FOLDER) free(folders[file]);
  if (file >= 0 && file < MOST_FILES) kinds[file] = OTHER;
  int outcome = (int)syscall(SYS_close, file);
  int why = errno;
  pthread_mutex_unlock(&lock);
  errno = why;
  return outcome;
}

/* Where the bytes went is known afterwards, for files opened to append too. */
ssize_t write(int file, const void *bytes, size_t size) {
  if (kind_of(file) != OURS) return syscall(SYS_write, file, bytes, size);
  pthread_mutex_lock(&lock);
  ssize_t written = syscall(SYS_write, file, bytes, size);
  int why = errno;
  if (written > 0) note(WRITTEN, inode_of(file), (uint64_t)(lseek(file, 0, SEEK_CUR) - written), bytes, (uint32_t)written);
  pthread_mutex_unlock(&lock);
  errno = why;
  return written;
}

static ssize_t write_at(int file, const void *bytes, size_t size, off_t offset) {
  if (kind_of(file) != OURS) return syscall(SYS_pwrite64, file, bytes, size, offset);
  pthread_mutex_lock(&lock);
  ssize_t written = syscall(SYS_pwrite64, file, bytes, size, offset);
  int why = errno;
  if (written > 0) note(WRITTEN, inode_of(file), (uint64_t)offset, bytes, (uint32_t)written);
  pthread_mutex_unlock(&lock);
  errno = why;
  return written;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) { return write_at(file, bytes, size, offset); }
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) { return write_at(file, bytes, size, offset); }

static int cut(int file, off_t length) {
  if (kind_of(file) != OURS) return (int)syscall(SYS_ftruncate, file, length);
  pthread_mutex_lock(&lock);
  int outcome = (int)syscall(SYS_ftruncate, file, length);
  int why = errno;
  if (outcome == 0) note(CUT, inode_of(file), (uint64_t)length, "", 0);
  pthread_mutex_unlock(&lock);
  errno = why;
  return outcome;
}

int ftruncate(int file, off_t length) { return cut(file, length); }
int ftruncate64(int file, off_t length) { return cut(file, length); }

static int sync_by(long call, int file) {
  unsigned char kind = kind_of(file);
  if (kind == OTHER) return (int)syscall(call, file);
  pthread_mutex_lock(&lock);
  int outcome = (int)syscall(call, file);
  int why = errno;
  if (outcome == 0 && kind == OURS) note(SYNCED, inode_of(file), 0, "", 0);
  if (outcome == 0 && kind == FOLDER) note(FOLDER_SYNCED, 0, 0, folders[file], strlen(folders[file]));
  pthread_mutex_unlock(&lock);
  errno = why;
  return outcome;
}

int fsync(int file) { return sync_by(SYS_fsync, file); }
int fdatasync(int file) { return sync_by(SYS_fdatasync, file); }

int unlink(const char *path) {
  if (!is_ours(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  pthread_mutex_lock(&lock);
  int outcome = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  int why = errno;
  if (outcome == 0) note(REMOVED, 0, 0, path, strlen(path));
  pthread_mutex_unlock(&lock);
  errno = why;
  return outcome;
}

int rename(const char *from, const char *to) {
  if (!is_ours(from) && !is_ours(to)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  pthread_mutex_lock(&lock);
  int outcome = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  int why = errno;
  if (outcome == 0) {
    char both[2 * PATH_MAX];
    size_t first = strlen(from) + 1, second = strlen(to);
    memcpy(both, from, first);
    memcpy(both + first, to, second);
    note(RENAMED, 0, 0, both, (uint32_t)(first + second));
  }
  pthread_mutex_unlock(&lock);
  errno = why;
  return outcome;
}

int mkdir(const char *path, mode_t mode) {
  if (!is_ours(path)) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  pthread_mutex_lock(&lock);
  int outcome = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  int why = errno;
  if (outcome == 0) note(FOLDER_MADE, 0, 0, path, strlen(path));
  pthread_mutex_unlock(&lock);
  errno = why;
  return outcome;
}
