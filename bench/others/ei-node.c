/*
 * A node made with Erlang's own C library that answers calls of GenServer with what they carry, and counts casts:
 *
 *     ei-node NAME COOKIE
 *
 * {'$gen_call', {Pid, Tag}, {echo, Term}} is answered with {Tag, Term}; {'$gen_call', {Pid, Tag}, count} with the number
 * of casts since it was asked last. Prints a line when it is registered, and serves one node after the other until it is
 * killed.
 */
#include <ei.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static long casts;

/* Writes the answer to the request at `at`; 0 when it is one. */
static int write_result(const char *in, int at, ei_x_buff *out) {
  int arity, term;
  char atom[MAXATOMLEN_UTF8];
  if (!ei_decode_atom(in, &at, atom)) {
    long counted = casts;
    casts = 0;
    return strcmp(atom, "count") || ei_x_encode_long(out, counted);
  }
  if (ei_decode_tuple_header(in, &at, &arity) || arity != 2 || ei_decode_atom(in, &at, atom)) return -1;
  term = at;
  return ei_skip_term(in, &at) || ei_x_append_buf(out, in + term, at - term);
}

/* Writes the reply to `out` and the one to whom it goes to `to`; 0 when the message is a call. */
static int answer(const char *in, ei_x_buff *out, erlang_pid *to) {
  int at = 0, version, arity, tag;
  char atom[MAXATOMLEN_UTF8];
  if (ei_decode_version(in, &at, &version) || ei_decode_tuple_header(in, &at, &arity)) return -1;
  if (ei_decode_atom(in, &at, atom)) return -1;
  if (arity == 2 && !strcmp(atom, "$gen_cast")) casts++;
  if (arity != 3 || strcmp(atom, "$gen_call")) return -1;
  if (ei_decode_tuple_header(in, &at, &arity) || arity != 2 || ei_decode_pid(in, &at, to)) return -1;
  tag = at;
  if (ei_skip_term(in, &at)) return -1;
  out->index = 0;
  if (ei_x_encode_version(out) || ei_x_encode_tuple_header(out, 2)) return -1;
  return ei_x_append_buf(out, in + tag, at - tag) || write_result(in, at, out);
}

static void serve(int fd) {
  ei_x_buff in, out;
  erlang_msg message;
  erlang_pid to;
  ei_x_new(&in);
  ei_x_new(&out);
  for (;;) {
    int got = ei_xreceive_msg(fd, &message, &in);
    if (got == ERL_TICK) continue;
    if (got == ERL_ERROR) break;
    if (message.msgtype != ERL_REG_SEND || answer(in.buff, &out, &to)) continue;
    if (ei_send(fd, &to, out.buff, out.index)) break;
  }
  ei_x_free(&in);
  ei_x_free(&out);
}

int main(int argc, char **argv) {
  ei_cnode node;
  struct in_addr address = {.s_addr = htonl(INADDR_LOOPBACK)};
  char alive[MAXNODELEN + 1];
  char *host;
  int port = 0, listener, on = 1;
  if (argc != 3 || strlen(argv[1]) > MAXNODELEN || !strchr(argv[1], '@')) {
    fprintf(stderr, "usage: ei-node NAME@HOST COOKIE\n");
    return 2;
  }
  strcpy(alive, argv[1]);
  host = strchr(alive, '@');
  *host++ = 0;
  if (ei_init() || ei_connect_xinit(&node, host, alive, argv[1], &address, argv[2], 1) < 0) {
    perror("ei_connect_xinit");
    return 1;
  }
  if ((listener = ei_listen(&node, &port, 5)) < 0 || ei_publish(&node, port) < 0) {
    perror("ei_publish");
    return 1;
  }
  printf("registered\n");
  fflush(stdout);
  for (;;) {
    ErlConnect peer;
    int fd = ei_accept(&node, listener, &peer);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    serve(fd);
    ei_close_connection(fd);
  }
}
