"""Which cell lies where in memory: an array of numbers of cells for each storage.

A tensor is read by its own size, stride and offset, so that views, writes in place and
aliases need nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.errors import REFERENCE, RecordingError
from verifier.automatic.recording.operands import tensor_of
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import CONSTANT, INPUT, Cells

UNWRITTEN = -1
"""Of memory that nothing has written yet."""
FOREIGN = -2
"""Of memory that was there before, and was not read yet: constants."""

COPIES = ("tolist",)
"""Methods that hand out numbers, not memory."""


class Block:
    """A storage: its cells, and the storage itself, without which its address would
    be used again."""

    def __init__(self, tensor: torch.Tensor, cells: int | torch.Tensor) -> None:
        self.storage = tensor.untyped_storage()
        self.dtype = tensor.dtype
        self.original: torch.Tensor | None = None
        self.is_foreign = self.is_input = False
        if isinstance(cells, int):
            self.is_foreign = cells == FOREIGN
            size = self.storage.nbytes() // tensor.element_size()
            cells = torch.full((size,), cells, dtype=torch.int64)
        self.cells = cells
        self.handed_out: set[str] = set()
        """The methods by which it was handed to what is not seen here, as memory that
        still is the same."""

    def view(self, tensor: torch.Tensor) -> torch.Tensor:
        """The cells of a tensor of this storage, in its shape."""
        size = self.storage.nbytes() // tensor.element_size()
        if size > len(self.cells):  # it was resized
            more = torch.full((size - len(self.cells),), UNWRITTEN, dtype=torch.int64)
            self.cells = torch.cat([self.cells, more])
        return self.cells.as_strided(
            tensor.size(), tensor.stride(), tensor.storage_offset()
        )


class Memory:
    """All storages that were met."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.blocks: dict[int, Block] = {}
        self._plain: dict[int, Block] = {}
        self.handed_out: set[str] = set()
        """The methods by which numbers that vary were handed to what is not seen
        here."""

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget in the end what was met within: no part of an operation outlives
        it."""
        before = set(self.blocks)
        try:
            yield
        finally:
            for key in self.blocks.keys() - before:
                del self.blocks[key]

    def knows(self, tensor: torch.Tensor) -> bool:
        """Whether the tensor's storage was met."""
        return tensor.untyped_storage()._cdata in self.blocks

    def read(self, tensor: torch.Tensor, *, is_checked: bool = True) -> Cells:
        """The cells of a tensor: a view of what changes when it is written.

        Raises `RecordingError` where something unseen has written it.
        """
        block = self._block(tensor, is_checked=is_checked)
        cells: Cells = block.view(tensor).numpy()
        if not cells.size:
            return cells
        if cells.min() < 0:
            if (cells == UNWRITTEN).any():
                self._fail("reads memory that nothing seen here has written")
            self._adopt(block, tensor)
        elif is_checked:
            self._check(tensor, cells)
        return cells

    def hand_out(self, tensor: torch.Tensor, method: str) -> None:
        """Numbers go to what is not seen here: what comes back hangs on them where they
        vary, now or, of memory that stays the same, later."""
        if self.tape.varies(self.glance(tensor)).any():
            self.handed_out.add(method)
        elif method not in COPIES:
            self._block(tensor, is_checked=False).handed_out.add(method)

    def glance(self, tensor: torch.Tensor) -> Cells:
        """The cells that a tensor has so far, flat, whatever becomes of it."""
        cells = self.look(tensor)
        return cells[cells >= 0]

    def look(self, tensor: torch.Tensor) -> Cells:
        """The cells of a tensor; negative where there is none."""
        cells: Cells = self._block(tensor, is_checked=False).view(tensor).numpy()
        return cells

    def write(self, tensor: torch.Tensor, cells: Cells) -> None:
        """Say which cells a tensor has now."""
        key = tensor.untyped_storage()._cdata
        block = self.blocks.get(key)
        if block is not None and block.is_input and not self.tape.in_backward:
            cells = self._beside_autograd(block.view(tensor).numpy(), cells)
        if block is not None and block.handed_out:
            if self.tape.varies(cells).any():
                self.handed_out |= block.handed_out
        source = tensor_of(np.asarray(cells, order="C"))
        if block is None and tensor.is_contiguous():
            if tensor.untyped_storage().nbytes() == tensor.nbytes:
                self.blocks[key] = Block(tensor, source.reshape(-1).clone())
                return
        self._block(tensor, fill=UNWRITTEN).view(tensor).copy_(source)

    def _beside_autograd(self, before: Cells, cells: Cells) -> Cells:
        """What is written into an input, which autograd forbids where it sees it, has
        new numbers and still the derivative 1 by the input."""
        cells = np.broadcast_to(cells, before.shape)
        is_new = cells != before
        new, old = cells[is_new], before[is_new]
        still = self.tape.stop(new)
        shift = self.tape.row("sub", old, self.tape.stop(old))
        moving = self.tape.row("add", still, shift)
        self.tape.settle_inner(moving, self.tape.values(new))
        result = cells.copy()
        result[is_new] = moving
        return result

    def lift(self, tensor: torch.Tensor) -> None:
        """Python made a tensor of numbers: constants, unless it got them from NumPy,
        who may have computed them of ours."""
        if not self.knows(tensor) and self.handed_out <= {"data_ptr"}:
            self._block(tensor, is_checked=False)

    def forget(self, tensor: torch.Tensor, *, is_librarys: bool = False) -> None:
        """Say that a tensor is memory that nothing has written; where the library
        itself asked for it, it writes what it holds."""
        block = self._block(tensor, fill=UNWRITTEN)
        block.view(tensor).fill_(FOREIGN if is_librarys else UNWRITTEN)

    def keep(self, tensor: torch.Tensor) -> None:
        """Keep the numbers of memory that was there before it is written."""
        key = tensor.untyped_storage()._cdata
        if not tensor.is_floating_point():
            if key not in self._plain:
                self._plain[key] = Block(tensor, FOREIGN)
            block = self._plain[key]
        else:
            block = self._block(tensor)
        if block.is_foreign and block.original is None:
            block.original = _whole(block).clone()

    def restore(self) -> None:
        """Give memory that was there before its numbers back."""
        for block in (*self.blocks.values(), *self._plain.values()):
            if block.original is not None:
                _whole(block).copy_(block.original)
                block.original = None

    def declare(self, tensor: torch.Tensor) -> Cells:
        """Make a tensor an input: new cells, one for each place in its memory."""
        block = self._block(tensor, is_checked=False)
        unique: Any
        at: Any
        values = tensor.detach().to(torch.float64).reshape(-1).numpy()
        if len(block.cells) == tensor.numel() and tensor.is_contiguous():
            unique, at = slice(None), slice(None)
        else:
            places = torch.arange(len(block.cells)).as_strided(
                tensor.size(), tensor.stride(), tensor.storage_offset()
            )
            unique, at = np.unique(places.numpy(), return_index=True)
        if (block.cells[unique] != FOREIGN).any():
            self._fail("is an input that shares its memory with another")
        cells = self.tape.numbers(INPUT, values[at])
        block.cells[unique] = torch.from_numpy(cells)
        block.is_input = True
        return block.view(tensor).numpy().copy()

    def _block(
        self, tensor: torch.Tensor, fill: int = FOREIGN, *, is_checked: bool = True
    ) -> Block:
        key = tensor.untyped_storage()._cdata
        block = self.blocks.get(key)
        if block is None:
            if fill == FOREIGN and self.handed_out and is_checked:
                self._fail("reads a tensor that was made where nothing is seen")
            block = self.blocks[key] = Block(tensor, fill)
        elif block.dtype != tensor.dtype:
            self._fail(f"reads the bits of {block.dtype} as {tensor.dtype}")
        return block

    def _adopt(self, block: Block, tensor: torch.Tensor) -> None:
        """Make constants of what was there before."""
        view = block.view(tensor)
        cells = view.numpy()
        fresh = cells == FOREIGN
        values = tensor.detach().to(torch.float64).numpy()
        if fresh.all() and tensor.is_contiguous():
            view.copy_(torch.from_numpy(self.tape.constants(values)))
            return
        # A place may be there several times, in a tensor that was expanded.
        places = torch.arange(len(block.cells)).as_strided(
            tensor.size(), tensor.stride(), tensor.storage_offset()
        )
        unique, at = np.unique(places.numpy()[fresh], return_index=True)
        made = self.tape.numbers(CONSTANT, values[fresh][at])
        block.cells[torch.from_numpy(unique)] = torch.from_numpy(made)

    def _check(self, tensor: torch.Tensor, cells: Cells) -> None:
        """The memory has to hold what its cells are."""
        expected = torch.from_numpy(self.tape.values(cells)).to(tensor.dtype)
        found = tensor.detach()
        same = found == expected
        if same.all() or (same | (found.isnan() & expected.isnan())).all():
            return
        self._fail("reads memory that something unseen has written")

    def _fail(self, what: str) -> None:
        raise RecordingError(
            f"`{self.tape.operation}` {what} (a kernel of Triton's, C++ or NumPy): "
            f"{REFERENCE}",
            operation=self.tape.operation,
            source=self.tape.source,
        )


def _whole(block: Block) -> torch.Tensor:
    """All numbers of a storage."""
    return torch.empty(0, dtype=block.dtype).set_(block.storage)
