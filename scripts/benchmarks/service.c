/* The service of every benchmark: `service RECORDS NAME` tells when it began (S) and when it got
   TERM (T), and then ends. It does nothing else, so what is measured is the init. */
#include "record.h"
#include <signal.h>

int main(int argc, char **argv)
{
    long long began = now();
    sigset_t term;
    int number;
    if (argc != 3)
        return 2;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL); /* before the record: whoever reads it may send TERM */
    int fd = open_records(argv[1]);
    record(fd, 'S', getpid(), began, argv[2]);
    sigwait(&term, &number);
    record(fd, 'T', getpid(), now(), argv[2]);
    return 0;
}
