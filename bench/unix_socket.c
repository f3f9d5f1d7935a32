// For LD_PRELOAD: every TCP connection of the program goes to the unix socket $BENCH_UNIX_SOCKET instead. wrk
// knows TCP only, and a comparison with pgbench over its unix socket must not count the loopback stack on one
// side.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef int (*ConnectFunction)(int, const struct sockaddr*, socklen_t);

int connect(int descriptor, const struct sockaddr* address, socklen_t length) {
  ConnectFunction real = (ConnectFunction)dlsym(RTLD_NEXT, "connect");
  const char* path = getenv("BENCH_UNIX_SOCKET");
  if (path == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6)) {
    return real(descriptor, address, length);
  }
  struct sockaddr_un target = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof target.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(target.sun_path, path);
  // The descriptor keeps its number and its flags; the connect itself blocks, so that a full backlog is no
  // error.
  const int flags = fcntl(descriptor, F_GETFL);
  const int replacement = socket(AF_UNIX, SOCK_STREAM, 0);
  if (flags < 0 || replacement < 0) return -1;
  if (real(replacement, (const struct sockaddr*)&target, sizeof target) < 0 ||
      dup2(replacement, descriptor) < 0) {
    const int error = errno;
    close(replacement);
    errno = error;
    return -1;
  }
  close(replacement);
  return fcntl(descriptor, F_SETFL, flags) < 0 ? -1 : 0;
}
