"""Files are replaced whole, or written to where they cannot be."""

from __future__ import annotations

import os
from pathlib import Path

from verifier.files import replace_text


def test_replacing_keeps_the_mode_and_follows_a_link(tmp_path):
    target = tmp_path / "target"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(target)

    replace_text(link, "new")

    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_not_replaced():
    replace_text(Path(os.devnull), "text")

    assert not Path(os.devnull).is_file()
