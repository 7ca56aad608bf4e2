"""Where the recorded mainnet data is, beside the checkout or where OOF_FIXTURES says."""

import os
from pathlib import Path

REPOSITORY_ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("OOF_FIXTURES", REPOSITORY_ROOT.parent / "shared" / "fixtures"))
