"""Where the tests' people have their keys: one folder a run, gone with it."""

import atexit
import shutil
import tempfile
from pathlib import Path

KEYS_DIR = Path(tempfile.mkdtemp(prefix="parker-keys-"))
atexit.register(shutil.rmtree, KEYS_DIR, ignore_errors=True)
