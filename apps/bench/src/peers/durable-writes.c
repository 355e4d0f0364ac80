/* What a durable append costs on this disk, by how the file was prepared and how it is made durable. The variants take
   turns, append by append, so that a noisy moment hits all alike.
   durable-writes DIR APPENDS BYTES -> for each variant a line: name, then one latency in nanoseconds an append. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VARIANTS = 4, CHUNK = 1 << 20 };

static const struct { const char *name; int flags, prewritten; } variants[VARIANTS] = {
  {"growing file, write + fdatasync", 0, 0},
  {"growing file, O_DSYNC write", O_DSYNC, 0},
  {"over zeros, write + fdatasync", 0, 1},
  {"over zeros, O_DSYNC write", O_DSYNC, 1},
};

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  long appends = atol(argv[2]);
  size_t bytes = (size_t)atol(argv[3]);
  char *record = malloc(bytes), *zeros = calloc(1, CHUNK);
  long long *latency[VARIANTS];
  int fd[VARIANTS];
  if (record == NULL || zeros == NULL) return fail("malloc");
  memset(record, 'x', bytes);
  for (int v = 0; v < VARIANTS; v++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/durable-writes-%d", argv[1], v);
    latency[v] = malloc(sizeof(long long) * (size_t)appends);
    fd[v] = open(path, O_CREAT | O_EXCL | O_WRONLY | variants[v].flags, 0600);
    if (fd[v] < 0 || latency[v] == NULL) return fail(path);
    unlink(path);
    if (!variants[v].prewritten) continue;
    for (off_t at = 0; at < (off_t)(appends * (long)bytes); at += CHUNK)
      if (pwrite(fd[v], zeros, CHUNK, at) != CHUNK) return fail("pwrite");
    if (fsync(fd[v]) != 0) return fail("fsync");
  }
  for (long i = 0; i < appends; i++) {
    for (int v = 0; v < VARIANTS; v++) {
      long long begin = now();
      if (pwrite(fd[v], record, bytes, (off_t)(i * (long)bytes)) != (ssize_t)bytes) return fail("pwrite");
      if (!(variants[v].flags & O_DSYNC) && fdatasync(fd[v]) != 0) return fail("fdatasync");
      latency[v][i] = now() - begin;
    }
  }
  for (int v = 0; v < VARIANTS; v++) {
    printf("%s", variants[v].name);
    for (long i = 0; i < appends; i++) printf("\t%lld", latency[v][i]);
    printf("\n");
  }
  return 0;
}
