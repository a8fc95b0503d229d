"""What the truth is at complex inputs within a few ulps of a point: `neighbourhood` in
the plane.

Inputs lie in squares about the point, ulps being those of |z|; a part that is 0 stays
so, for a cut may run along it. A square is cut in halves until the rectangle that
encloses the truth over it leaves the number out, or is as small as the tolerance. No
theorem of intermediate values helps: what stays undecided is left to the point's
benefit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from verifier.floats import Format, power_of_two, ulp
from verifier.records import Enclosure
from verifier.symbolic.arithmetic import balls, complex_balls
from verifier.symbolic.arithmetic.complex_balls import SignedRectangle
from verifier.symbolic.calculus.chain import Known, Standing
from verifier.symbolic.rounding.boxes import (
    GROWTH,
    MOST_BOXES,
    Interval,
    centre,
    halves,
)

Inputs = Mapping[str, SignedRectangle]
Square = Mapping[tuple[str, int], Interval]
"""The sides by input and part: 0 the real one, 1 the imaginary."""

DEEPEST = 24
"""Halvings of every side past which a pole is taken for met, or the number for
reached."""
APPROACH = (4, 10, 16)
"""How close to a pole the truth is evaluated, in halvings of an ulp."""


class ComplexNeighbourhood:
    """One quantity's truth about a point; `evaluate` encloses it over rectangles at the
    precision in force."""

    def __init__(
        self,
        evaluate: Callable[[Inputs], Known],
        point: Mapping[str, complex],
        format_: Format,
    ) -> None:
        self.evaluate, self.point, self.format = evaluate, point, format_
        self.bits = 4 * format_.precision_bits + 2 * DEEPEST

    def holds(
        self, number: complex, steps: int, *, relative: Fraction, absolute: Fraction
    ) -> bool:
        """Whether a finite number is a truth of inputs within `steps` ulps, to a
        relative or an absolute tolerance."""
        stack, seen, largest = [(self._square(steps), 0)], 0, Fraction(0)
        parts = Fraction(number.real), Fraction(number.imag)
        met = False
        with balls.workprec(self.bits):
            while stack:
                square, depth = stack.pop()
                seen += 1
                if seen > MOST_BOXES:
                    return True
                truth = self._over(square)
                deep = depth >= DEEPEST * max(1, len(square))
                if truth.standing is Standing.REGULAR:
                    sides = complex_balls.enclosures(truth.ball)
                    near, far = _distances(parts, sides)
                    least, most = _distances((Fraction(0), Fraction(0)), sides)
                    largest = max(largest, most)
                    if far <= max(relative * least, absolute):
                        return True
                    if near > max(relative * most, absolute):
                        continue
                    if deep:
                        return True
                elif deep:
                    met = True
                    continue
                stack += [(half, depth + 1) for half in halves(square, depth)]
        # Next to a pole the truth is as large as one likes, in every direction.
        return met and max(map(abs, parts)) >= largest

    def ends(self, steps: int) -> bool:
        """Whether a pole lies within `steps` ulps."""
        stack, seen = [(self._square(steps), 0)], 0
        with balls.workprec(self.bits):
            while stack and seen < MOST_BOXES:
                square, depth = stack.pop()
                seen += 1
                standing = self._over(square).standing
                if standing is Standing.POLE:
                    return True
                if standing is Standing.REGULAR:
                    continue
                if depth < DEEPEST * max(1, len(square)):
                    stack += [(half, depth + 1) for half in halves(square, depth)]
                elif any(self._grows(square)):
                    return True
        return False

    def _square(self, steps: int) -> Square:
        sides: dict[tuple[str, int], Interval] = {}
        for name, value in self.point.items():
            parts = Fraction(value.real), Fraction(value.imag)
            step = steps * ulp(max(map(abs, parts)), self.format)
            for part, exact in enumerate(parts):
                if exact or not value:
                    sides[name, part] = exact - step, exact + step
        return sides

    def _over(self, square: Square) -> Known:
        inputs: dict[str, SignedRectangle] = {}
        for name, value in self.point.items():
            number = complex_balls.exact(value)
            for part in (0, 1):
                if (name, part) in square:
                    number = complex_balls.with_part(number, part, *square[name, part])
            inputs[name] = number
        return self.evaluate(inputs)

    def _grows(self, square: Square) -> Iterator[bool]:
        """Along every side, to what is in a square: whether the truth grows without
        bounds."""
        middle = centre(square)
        for name, part in square:
            value = self.point[name]
            size = max(abs(Fraction(value.real)), abs(Fraction(value.imag)))
            for direction in (-1, 1):
                sizes: list[Fraction] = []
                for halvings in APPROACH:
                    step = direction * ulp(size, self.format) * power_of_two(-halvings)
                    place = {side: (x, x) for side, x in middle.items()}
                    place[name, part] = (middle[name, part] + step,) * 2
                    truth = self._over(place)
                    if truth.standing is Standing.REGULAR:
                        sides = complex_balls.enclosures(truth.ball)
                        sizes.append(_distances((Fraction(0), Fraction(0)), sides)[1])
                if len(sizes) == len(APPROACH):
                    far, near, nearest = sizes
                    change = nearest - near
                    yield change >= max(near - far, nearest * GROWTH) and change > 0


def _distances(
    number: tuple[Fraction, Fraction], sides: tuple[Enclosure, Enclosure]
) -> tuple[Fraction, Fraction]:
    """Bounds of the least and the largest distance of a number from a rectangle: the
    larger part, the sum of both."""
    least, most = [], []
    for part, side in zip(number, sides, strict=True):
        least.append(max(side.lower - part, part - side.upper, Fraction(0)))
        most.append(max(abs(side.lower - part), abs(side.upper - part)))
    return max(least), sum(most, Fraction(0))
