"""Where panels beside faces stay from frame to frame: on their side while it fits, and still while a face trembles."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.geometry import Box
from core.places import SIDES, Side, Size, around, at_side, is_free, nearest_points

GAP_PX: Final = 11.0  # between a panel and its face
SLACK_PX: Final = 5.0  # a panel follows its face only beyond this, where the gap is wider
STRAY_PX: Final = 60.0  # how much farther than at first a panel may be left behind before it is placed anew
REVIEW_AFTER: Final = 45  # arrangements: how long one that leaves something to be wished for stands
MARGIN_PX: Final = 10.0  # more than is needed must be free before panels grow, or they would shrink again at once
MIDDLE: Final = 0.6  # of a face that is never covered, over its sides


@dataclass(frozen=True)
class Anchor:
    """A face that wants a panel.

    Attributes
    ----------
    key
        Names the face from frame to frame.
    box
        Of the face, px.
    sizes
        Of its panel, from the largest to the smallest that can be read; as many for every face.
    gap_px
        Between panel and face.
    lead_px
        Distance up to which they lie side by side, so that no line has to lead from one to the other.
    """

    key: int
    box: Box
    sizes: tuple[Size, ...]
    gap_px: float = GAP_PX
    lead_px: float = 0.0

    @property
    def slack_px(self) -> float:
        """The panel follows its face only beyond this; less than the gap, or it would lie on the face."""
        return max(min(SLACK_PX, self.gap_px - 1), 0.0)


@dataclass(frozen=True)
class Spot:
    """A panel's place: at a side of its face, or (None) where there was room, so far away; `over` its face's rim.

    `led_px` is the length of the line that leads to the face, px; 0 where panel and face lie side by side.
    """

    place: Box
    side: Side | None
    away_px: float = 0.0
    led_px: float = 0.0
    over: bool = False


@dataclass(frozen=True)
class Arrangement:
    """Which of its sizes every panel has, and where it is; nowhere (None) where there is no room."""

    size: int
    spots: tuple[Spot | None, ...]

    @property
    def left_out(self) -> int:
        """How many have no place."""
        return self.spots.count(None)

    @property
    def cost(self) -> tuple[bool, int, float]:
        """Whether the first panel is left out, how many are, and how far the others are away; the less the better."""
        led_px = sum(spot.led_px for spot in self.spots if spot is not None)
        return self.spots[:1] == (None,), self.left_out, led_px


class PanelPlaces:
    """Arranges panels and remembers how."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as for another source."""
        self._spots: dict[int, Spot] = {}
        self._missing: set[int] = set()
        self._sparing = True
        self._size = 0
        self._age = 0
        self._asked: object = None  # what there was room and no room for, and the faces with the first of them

    def arrange(
        self, anchors: Sequence[Anchor], room: Box, taken: Sequence[Box], spared: Sequence[Box] = ()
    ) -> Arrangement:
        """Place a panel for every face, within the room; the first ones have the choice.

        An arrangement stands while it holds. One that leaves panels small, far away or out is looked at again after a
        while, and when other faces have come, or another room.

        Parameters
        ----------
        taken
            What panels must not lie on, besides faces.
        spared
            What they lie on only where some would have no place otherwise.
        """
        keys = [anchor.key for anchor in anchors]
        asked = (room, tuple(spared), frozenset(keys), keys[:1])
        self._age += 1
        due = asked != self._asked or self._age >= REVIEW_AFTER
        self._asked = asked
        found = self._kept(anchors, room, [*taken, *(spared if self._sparing else ())])
        missing = _missing(anchors, found)
        good = found.cost == (False, 0, 0) and found.size == 0 and self._sparing
        if not missing <= self._missing or (due and not good):
            found = self._planned(anchors, room, taken, spared)
            missing = _missing(anchors, found)
            self._age = 0
        self._size, self._missing = found.size, missing
        pairs = zip(anchors, found.spots, strict=True)
        self._spots = {anchor.key: spot for anchor, spot in pairs if spot is not None}
        return found

    def _kept(self, anchors: Sequence[Anchor], room: Box, taken: Sequence[Box]) -> Arrangement:
        """Panels where they were, and those that cannot stay, or are new, where there is room at the same size."""
        spots: list[Spot | None] = []
        for anchor in anchors:
            used = _used(anchor, anchors, taken, spots)
            spots.append(self._follow(anchor, room, used))
        for number, anchor in enumerate(anchors):
            if spots[number] is None and anchor.key not in self._missing:
                used = _used(anchor, anchors, taken, spots)
                size = anchor.sizes[self._size]
                spots[number] = self._beside(anchor, size, room, used) or _away(anchor, size, room, used)
        return Arrangement(self._size, tuple(spots))

    def _follow(self, anchor: Anchor, room: Box, used: Sequence[Box]) -> Spot | None:
        """The spot of the frame before, moved with the face; None where it cannot be kept."""
        before, size = self._spots.get(anchor.key), anchor.sizes[self._size]
        if before is None:
            return None
        if before.side is None:
            place = Box(before.place.x, before.place.y, *size)
            near = _away_px(anchor.box, place) <= before.away_px + STRAY_PX
            own = anchor.box.scaled(MIDDLE) if before.over else anchor.box
            return replace(before, place=place) if near and is_free(place, room, [*used, own]) else None
        ideal = at_side(anchor.box, size, anchor.gap_px, room, before.side)
        x, y = (
            min(max(old, new - anchor.slack_px), new + anchor.slack_px)
            for old, new in ((before.place.x, ideal.x), (before.place.y, ideal.y))
        )
        for place in (Box(round(x), round(y), *size), ideal):
            if is_free(place, room, [*used, anchor.box]):
                return Spot(place, before.side)
        return None

    def _beside(self, anchor: Anchor, size: Size, room: Box, used: Sequence[Box]) -> Spot | None:
        """A free side of the face: the one that its panel had, if it can be."""
        before = self._spots.get(anchor.key)
        last = before.side if before is not None else None
        for side in sorted(SIDES, key=lambda each: each != last):
            place = at_side(anchor.box, size, anchor.gap_px, room, side)
            if is_free(place, room, [*used, anchor.box]):
                return Spot(place, side)
        return None

    def _planned(
        self, anchors: Sequence[Anchor], room: Box, taken: Sequence[Box], spared: Sequence[Box]
    ) -> Arrangement:
        """A new arrangement, which spares what it can."""
        self._sparing = True
        best = _onto_faces(self._packed(anchors, room, [*taken, *spared]), anchors, room, [*taken, *spared])
        if spared and None in best.spots:
            other = _onto_faces(self._packed(anchors, room, taken), anchors, room, taken)
            if other.cost[:2] < best.cost[:2]:
                self._sparing, best = False, other
        return best

    def _packed(self, anchors: Sequence[Anchor], room: Box, taken: Sequence[Box]) -> Arrangement:
        """All panels as large as all have room, and as near as can be at that size."""
        best = Arrangement(0, (None,) * len(anchors))
        in_a_row = sorted(anchors, key=lambda anchor: anchor.box.centre[0])  # leaves no gaps that are of no use
        first_then_row = [*anchors[:1], *(anchor for anchor in in_a_row if anchor is not anchors[0])]
        ways = ((anchors, False), (anchors, True), (in_a_row, True), (first_then_row, True))
        for size, (order, far) in itertools.product(range(min((len(a.sizes) for a in anchors), default=0)), ways):
            free_of = [_grown(box) for box in taken] if size < self._size else taken
            spots: dict[int, Spot | None] = {}
            for anchor in order:
                used = _used(anchor, anchors, free_of, spots.values())
                spot = self._beside(anchor, anchor.sizes[size], room, used)
                spots[anchor.key] = spot or (_away(anchor, anchor.sizes[size], room, used) if far else None)
            found = Arrangement(size, tuple(spots[anchor.key] for anchor in anchors))
            best = min(best, found, key=lambda each: each.cost)
            if best.cost == (False, 0, 0):
                break
        return best


def _onto_faces(best: Arrangement, anchors: Sequence[Anchor], room: Box, taken: Sequence[Box]) -> Arrangement:
    """Spots for those that have none yet, which may cover the rim of their own face, as one that fills the picture.

    Where no panel has a place they may be as small as can be read.
    """
    alone = best.left_out == len(anchors)
    for size in range(best.size, min(len(a.sizes) for a in anchors) if alone and anchors else best.size + 1):
        spots = list(best.spots)
        for number, anchor in enumerate(anchors):
            if spots[number] is None:
                used = [*_used(anchor, anchors, taken, spots), anchor.box.scaled(MIDDLE)]
                place = around(anchor.box, anchor.sizes[size], 0, room, used)
                spots[number] = None if place is None else Spot(place, None, over=True)
        if spots.count(None) < best.left_out:
            return Arrangement(size, tuple(spots))
    return best


def _used(anchor: Anchor, anchors: Sequence[Anchor], taken: Sequence[Box], spots: Iterable[Spot | None]) -> list[Box]:
    """What a face's panel must not lie on, but for the face itself."""
    others = [other.box for other in anchors if other is not anchor]
    return [*taken, *others, *(spot.place for spot in spots if spot is not None)]


def _away(anchor: Anchor, size: Size, room: Box, used: Sequence[Box]) -> Spot | None:
    place = around(anchor.box, size, anchor.gap_px, room, [*used, anchor.box])
    if place is None:
        return None
    away_px = _away_px(anchor.box, place)
    return Spot(place, None, away_px, away_px if away_px > anchor.lead_px else 0.0)


def _away_px(box: Box, place: Box) -> float:
    (x0, y0), (x1, y1) = nearest_points(box, place)
    return float(np.hypot(x1 - x0, y1 - y0))


def _grown(box: Box) -> Box:
    return Box(box.x - MARGIN_PX, box.y - MARGIN_PX, box.width + 2 * MARGIN_PX, box.height + 2 * MARGIN_PX)


def _missing(anchors: Sequence[Anchor], found: Arrangement) -> set[int]:
    return {anchor.key for anchor, spot in zip(anchors, found.spots, strict=True) if spot is None}
