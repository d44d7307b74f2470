/* `stubborn RECORDS NAME`: a service that ignores TERM, and tells that it began (S). */
#include "record.h"
#include <signal.h>

int main(int argc, char **argv)
{
    long long began = now();
    if (argc != 3)
        return 2;
    signal(SIGTERM, SIG_IGN);
    record(open_records(argv[1]), 'S', getpid(), began, argv[2]);
    for (;;)
        pause();
}
