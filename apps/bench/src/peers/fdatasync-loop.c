/* What a durable acknowledgement costs on this disk: one thread that writes an ideal batch of OUTSTANDING records with one
   write, syncs it, and starts again; no checksum, no framing, nobody to answer. It appends to a growing file, as one
   does; with `over` it overwrites a file made before, round and round, which is the limit.
   fdatasync-loop [over] DIR OUTSTANDING BYTES MILLISECONDS -> one line of JSON (see driver.ts). */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t count, double fraction) {
  size_t rank = (size_t)(fraction * (double)count);
  return sorted[rank < count ? rank : count - 1] * 1e6;
}

int main(int argc, char **argv) {
  int over = argc == 6 && strcmp(argv[1], "over") == 0;
  if (argc != 5 + over) return 2;
  argv += over;
  long outstanding = atol(argv[2]);
  size_t batch = (size_t)outstanding * (size_t)atol(argv[3]);
  double measured = atof(argv[4]) / 1000;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/loop", argv[1]);
  char *records = malloc(batch);
  size_t count = 0, room = 1 << 16;
  double *latency = malloc(room * sizeof *latency);
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (fd < 0 || records == NULL || latency == NULL) return 1;
  memset(records, 'x', batch);
  size_t batches = 1 + (64 << 20) / batch, turn = 0;
  for (size_t i = 0; over && i < batches; i++)
    if (pwrite(fd, records, batch, (off_t)(i * batch)) != (ssize_t)batch) return 1;
  if (over && fsync(fd) != 0) return 1;

  double warm = seconds_of(CLOCK_MONOTONIC) + measured / 2, begin = 0, cpu = 0, last = 0;
  for (;;) {
    if (over && turn++ % batches == 0 && lseek(fd, 0, SEEK_SET) != 0) return 1;
    double before = seconds_of(CLOCK_MONOTONIC);
    for (size_t written = 0; written < batch;) {
      ssize_t n = write(fd, records + written, batch - written);
      if (n < 0) return 1;
      written += (size_t)n;
    }
    if (fdatasync(fd) != 0) return 1;
    double after = seconds_of(CLOCK_MONOTONIC);
    if (begin == 0) {
      if (after < warm) continue;
      begin = after;
      cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
      continue;
    }
    if (count == room) {
      latency = realloc(latency, (room *= 2) * sizeof *latency);
      if (latency == NULL) return 1;
    }
    latency[count++] = after - before;
    last = after;
    if (after - begin >= measured) break;
  }
  cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  qsort(latency, count, sizeof *latency, ascending);
  printf("{\"messages\":%ld,\"seconds\":%.6f,\"cpuSeconds\":%.6f,"
         "\"latencyUs\":{\"p10\":%.1f,\"p50\":%.1f,\"p99\":%.1f}}\n",
         (long)count * outstanding, last - begin, cpu, quantile(latency, count, 0.1),
         quantile(latency, count, 0.5), quantile(latency, count, 0.99));
  return 0;
}
