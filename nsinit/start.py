"""nsinit for `python3 -I -S .../site-packages/nsinit/start.py`; see docs/fast-start.md.

A file and not the directory, which Python would run by a module that takes longer than this. It is
compiled at each start, as every program is, and so does nothing but lead to what is not.
"""

import sys

sys.path.insert(0, __file__.removesuffix("/nsinit/start.py"))

from nsinit.__main__ import main

sys.exit(main())
