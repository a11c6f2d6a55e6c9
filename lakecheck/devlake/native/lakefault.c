/* Makes a storage server misbehave where it touches the data of its files.
 *
 * Preloaded into every server of the embedded lake. LAKECHECK_FAULT_CONTROL names a file whose
 * first bytes (struct control) say what to do, LAKECHECK_FAULT_DATA the folder whose files are
 * meant. Without a fault a call costs one comparison. It also binds each process, forked
 * sessions included, to its parent's life, so that nothing outlives the supervisor.
 */
#define _GNU_SOURCE
#include <aio.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NONE, HANG_DATA, CORRUPT, CRASH, FULL };

struct control {
  int32_t fault;
  int32_t reserved;
  int64_t capacity; /* bytes that fit into the folder, for FULL */
};

static volatile struct control *control;
static const char *folder;
static size_t folder_length;

static void die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("LAKECHECK_FAULT_CONTROL");
  die_with_parent();
  pthread_atfork(NULL, NULL, die_with_parent);
  folder = getenv("LAKECHECK_FAULT_DATA");
  if (!path || !folder)
    return;
  folder_length = strlen(folder);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  void *map = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED)
    control = map;
}

static int in_folder(int fd) {
  char link[48], path[4096];
  struct stat st;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode))
    return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= (ssize_t)folder_length)
    return 0;
  path[n] = 0;
  /* mod_dav keeps properties in databases of its own among the files: those are not data. */
  return !memcmp(path, folder, folder_length) && path[folder_length] == '/' &&
         !strstr(path + folder_length, "/.DAV/");
}

/* The fault that concerns this file now; does not return from CRASH, and from HANG_DATA only
 * when the fault has ended. */
static int fault_on(int fd) {
  int saved = errno, fault = control ? control->fault : NONE;
  if (fault == NONE)
    return NONE;
  if (!in_folder(fd))
    fault = NONE;
  if (fault == CRASH) {
    signal(SIGSEGV, SIG_DFL);
    kill(getpid(), SIGSEGV);
    pause();
  }
  if (fault == HANG_DATA) {
    while (control->fault == HANG_DATA)
      usleep(20000);
    fault = NONE;
  }
  errno = saved;
  return fault;
}

static __thread int64_t used;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *at) {
  (void)path, (void)at;
  if (type == FTW_F)
    used += (int64_t)st->st_blocks * 512;
  return 0;
}

static int no_room(size_t size) {
  used = 0;
  nftw(folder, add_size, 16, FTW_PHYS);
  if (used + (int64_t)size <= control->capacity)
    return 0;
  errno = ENOSPC;
  return 1;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) \
    real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A copy of what shall be written with its first byte changed. */
static void *flipped(const void *bytes, size_t size) {
  unsigned char *copy = malloc(size);
  if (copy) {
    memcpy(copy, bytes, size);
    copy[0] ^= 0x01;
  }
  return copy;
}

#define WRITE_ONE(call, at, bytes, size, call_with) \
  do { \
    int fault = fault_on(fd); \
    if (fault == FULL && no_room(size)) \
      return -1; \
    if (fault == CORRUPT && size && (at) == 0) { \
      void *copy = flipped(bytes, size); \
      ssize_t n = call_with(copy); \
      free(copy); \
      return n; \
    } \
    return call_with(bytes); \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write);
#define PLAIN(b) real(fd, (b), size)
  WRITE_ONE(write, lseek(fd, 0, SEEK_CUR), bytes, size, PLAIN);
#undef PLAIN
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  REAL(pwrite);
#define PLAIN(b) real(fd, (b), size, at)
  WRITE_ONE(pwrite, at, bytes, size, PLAIN);
#undef PLAIN
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  REAL(pwrite64);
#define PLAIN(b) real(fd, (b), size, at)
  WRITE_ONE(pwrite64, at, bytes, size, PLAIN);
#undef PLAIN
}

static size_t total(const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++)
    size += parts[i].iov_len;
  return size;
}

#define WRITE_MANY(at, call_with) \
  do { \
    int fault = fault_on(fd); \
    if (fault == FULL && no_room(total(parts, count))) \
      return -1; \
    if (fault == CORRUPT && count > 0 && parts[0].iov_len && (at) == 0) { \
      struct iovec changed[count]; \
      memcpy(changed, parts, sizeof changed); \
      changed[0].iov_base = flipped(parts[0].iov_base, parts[0].iov_len); \
      ssize_t n = call_with(changed); \
      free(changed[0].iov_base); \
      return n; \
    } \
    return call_with(parts); \
  } while (0)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
#define PLAIN(p) real(fd, (p), count)
  WRITE_MANY(lseek(fd, 0, SEEK_CUR), PLAIN);
#undef PLAIN
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(pwritev);
#define PLAIN(p) real(fd, (p), count, at)
  WRITE_MANY(at, PLAIN);
#undef PLAIN
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(pwritev64);
#define PLAIN(p) real(fd, (p), count, at)
  WRITE_MANY(at, PLAIN);
#undef PLAIN
}

/* XRootD's third-party copies write so. The buffer is the writer's own, which has no use for it
 * once it is written, so it may be changed where it is. */
#define WRITE_LATER(request) \
  do { \
    int fault = fault_on((request)->aio_fildes); \
    if (fault == FULL && no_room((request)->aio_nbytes)) \
      return -1; \
    if (fault == CORRUPT && (request)->aio_nbytes && (request)->aio_offset == 0) \
      *(unsigned char *)(request)->aio_buf ^= 0x01; \
    return real(request); \
  } while (0)

int aio_write(struct aiocb *request) {
  REAL(aio_write);
  WRITE_LATER(request);
}

int aio_write64(struct aiocb64 *request) {
  REAL(aio_write64);
  WRITE_LATER(request);
}

ssize_t read(int fd, void *bytes, size_t size) {
  REAL(read);
  fault_on(fd);
  return real(fd, bytes, size);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at) {
  REAL(pread);
  fault_on(fd);
  return real(fd, bytes, size, at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t at) {
  REAL(pread64);
  fault_on(fd);
  return real(fd, bytes, size, at);
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
  REAL(readv);
  fault_on(fd);
  return real(fd, parts, count);
}

ssize_t preadv(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(preadv);
  fault_on(fd);
  return real(fd, parts, count, at);
}

ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(preadv64);
  fault_on(fd);
  return real(fd, parts, count, at);
}

ssize_t sendfile(int to, int fd, off_t *at, size_t size) {
  REAL(sendfile);
  fault_on(fd);
  return real(to, fd, at, size);
}

ssize_t sendfile64(int to, int fd, off64_t *at, size_t size) {
  REAL(sendfile64);
  fault_on(fd);
  return real(to, fd, at, size);
}
