"""Charts as inline SVG: a title and a description for who cannot see them, colours from the page's style sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

_WIDTH, _HEIGHT = 640, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 628, 14, 198
_LABELS = 8  # along the bottom, at most
_MINOR = 2  # every so many of them are left out on a small screen


@dataclass(frozen=True)
class Series:
    """Values of one kind, one for each label; None is a gap. `look` is a class of the style sheet."""

    name: str
    look: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Mark:
    """A level that matters, drawn across."""

    value: float
    name: str


def lines(
    title: str,
    description: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    shown: Callable[[float], str],
    marks: Sequence[Mark] = (),
    floor_at: float = 0.0,
) -> str:
    """A chart of lines, each value a dot where there are few. `shown` says a value of the axis."""
    values = [value for one in series for value in one.values if value is not None]
    scale = _Scale(0.0, max([*values, *(mark.value for mark in marks), floor_at], default=1.0))
    parts = [_axis(scale, shown), _bottom(labels)]
    for mark in marks:
        y = scale.y(mark.value)
        parts.append(
            f'<path class="mark" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>'
            f'<text class="mark-name" x="{_RIGHT}" y="{y - 5:.1f}" text-anchor="end">{escape(mark.name)}</text>'
        )
    parts += [_line(one, scale, len(labels)) for one in series]
    return _svg(title, description, parts)


def columns(
    title: str,
    description: str,
    labels: Sequence[str],
    *,
    up: Sequence[Series],
    down: Sequence[Series],
    shown: Callable[[float], str],
) -> str:
    """A chart of columns: `up` are piled on the base line, `down` hang from it."""
    above = max((sum(one.values[n] or 0 for one in up) for n in range(len(labels))), default=0)
    below = max((sum(one.values[n] or 0 for one in down) for n in range(len(labels))), default=0)
    scale = _Scale(-below, max(above, 1))
    width = min(44.0, (_RIGHT - _LEFT) / max(1, len(labels)) * 0.7)
    parts = [_axis(scale, shown), _bottom(labels)]
    for number in range(len(labels)):
        x = _x(number, len(labels)) - width / 2
        for piles, sign in ((up, 1), (down, -1)):
            base = 0.0
            for one in piles:
                value = one.values[number] or 0
                parts.append(_block(one.look, x, width, scale.y(base * sign), scale.y((base + value) * sign)))
                base += value
    parts.append(f'<path class="base" d="M{_LEFT} {scale.y(0):.1f}H{_RIGHT}"/>')
    return _svg(title, description, parts)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def y(self, value: float) -> float:
        span = self.high - self.low or 1
        return _BOTTOM - (value - self.low) / span * (_BOTTOM - _TOP)

    def ticks(self) -> list[float]:
        """Some round values: at most five."""
        step = _round_step((self.high - self.low) / 4)
        return [number * step for number in range(ceil(self.low / step), floor(self.high / step) + 1)]


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10, 20 … at or above `rough`."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _x(number: int, of: int) -> float:
    return _LEFT + (number + 0.5) * (_RIGHT - _LEFT) / max(1, of)


def _axis(scale: _Scale, shown: Callable[[float], str]) -> str:
    return "".join(
        f'<path class="grid" d="M{_LEFT} {scale.y(tick):.1f}H{_RIGHT}"/>'
        f'<text class="level" x="{_LEFT - 8}" y="{scale.y(tick) + 4:.1f}" text-anchor="end">'
        f"{escape(shown(tick))}</text>"
        for tick in scale.ticks()
    )


def _bottom(labels: Sequence[str]) -> str:
    every = ceil(len(labels) / _LABELS) or 1
    told = [number for number in range(len(labels)) if number % every == 0]
    return "".join(
        f'<text{" class=minor" if place % _MINOR else ""} x="{_x(number, len(labels)):.1f}" y="{_BOTTOM + 20}" '
        f'text-anchor="middle">{escape(labels[number])}</text>'
        for place, number in enumerate(told)
    )


def _line(series: Series, scale: _Scale, of: int) -> str:
    points = [None if v is None else (_x(n, of), scale.y(v)) for n, v in enumerate(series.values)]
    parts = []
    for one, other in pairwise(points):
        if one and other:
            parts.append(f"M{one[0]:.1f} {one[1]:.1f}L{other[0]:.1f} {other[1]:.1f}")
    drawn = f'<path class="line {series.look}" d="{"".join(parts)}"/>' if parts else ""
    if of > 30:
        return drawn
    return drawn + "".join(
        f'<circle class="dot {series.look}" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="3"/>'
        for point in points
        if point
    )


def _block(look: str, x: float, width: float, one: float, other: float) -> str:
    if one == other:
        return ""
    top, height = min(one, other), abs(one - other)
    return f'<rect class="{look}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _svg(title: str, description: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>{escape(title)}</title>'
        f"<desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
