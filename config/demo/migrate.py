"""A oneshot: makes the tables, and ends."""

import os
import pathlib
import sqlite3

path = pathlib.Path(os.environ["DEMO_DIR"]) / "demo.sqlite"
with sqlite3.connect(path) as db:
    db.execute("CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, done INTEGER DEFAULT 0)")
    db.execute("DELETE FROM job")
    db.executemany("INSERT INTO job (id) VALUES (?)", [(number,) for number in range(1, 1001)])
print(f"{path} has 1000 jobs")
