"""The command `verifier`, which is `python -m verifier` too."""

# Nothing may be imported from the working folder before the user has allowed it: a file
# there that is called `torch.py` would run. `python -m` puts that folder first in the
# path, and so does an empty place in PYTHONPATH.
import os
import sys


def main() -> None:
    """Runs the command line, whatever lies in the working folder."""
    sys.path[:] = list(filter(_is_wanted, sys.path))
    from verifier.cli.main import main

    main()


def _is_wanted(entry: str) -> bool:
    """Whether an entry of the path is not the working folder, or was named as such; or
    is where we lie ourselves."""
    here = os.getcwd()
    if entry not in ("", here):
        return True
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return here == own or here in map(os.path.abspath, named)


if __name__ == "__main__":
    main()
