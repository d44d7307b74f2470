"""A service: takes jobs from web, one a second, and ends when it is told to."""

import os
import signal
import time
import urllib.error
import urllib.request

URL = f"http://127.0.0.1:{os.environ['DEMO_PORT']}/"


def stop(*_: object) -> None:
    """Finish what is begun (here: nothing), and end."""
    print("told to stop")
    raise SystemExit(0)


signal.signal(signal.SIGTERM, stop)
while True:
    try:
        with urllib.request.urlopen(URL, timeout=5) as answer:
            print("did job", answer.read().decode().strip())
    except urllib.error.URLError as error:
        print("no job:", error.reason)
    time.sleep(1)
