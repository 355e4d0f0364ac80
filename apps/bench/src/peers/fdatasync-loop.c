/* The limit a durable acknowledgement on this disk can reach: one thread that writes a record and syncs it.
   fdatasync-loop FILE COUNT BYTES -> one latency in nanoseconds a line. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int count = atoi(argv[2]);
  size_t bytes = (size_t)atol(argv[3]);
  char *record = malloc(bytes);
  long long *latency = malloc(sizeof(long long) * (size_t)count);
  int fd = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (fd < 0 || record == NULL || latency == NULL) return 1;
  memset(record, 'x', bytes);
  for (int i = 0; i < count; i++) {
    long long begin = now();
    if (write(fd, record, bytes) != (ssize_t)bytes || fdatasync(fd) != 0) return 1;
    latency[i] = now() - begin;
  }
  for (int i = 0; i < count; i++) printf("%lld\n", latency[i]);
  return 0;
}
