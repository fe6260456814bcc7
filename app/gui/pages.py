"""The pages that the rail leads to: what each is told, which one is shown, and the notices that stand over any."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from PySide6.QtCore import QEvent, QObject, QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from app.gui import theme
from app.gui.notice import Notices
from app.gui.rail import Entry, Rail
from app.gui.session import Session
from app.settings import Settings
from core.engine import EngineStatus
from core.types import Result

MARGIN_PX: Final = 16
NOTICE_PX: Final = 760  # widest notice


class Page(QWidget):
    """A page. Every page is told everything, shown or not; what only eyes need waits until it is visible.

    A new one: a subclass with `key` and `title`, a command "show_page" with its key in `app.gui.actions`, an icon of
    that name in assets/icons, and a place in the window's list.
    """

    key: ClassVar[str] = ""  # of the command that shows it, and its icon's name
    title: ClassVar[str] = ""  # in the rail

    @property
    def notice_area(self) -> QWidget:
        """The part at whose top notices stand."""
        return self

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Follow the settings; `labels` are the classes of the pack in use, none before there is one."""

    def begin(self, session: Session) -> None:
        """Get ready for a newly opened source."""

    def clear(self, text: str) -> None:
        """There is no source; `text` says why."""

    def show_result(self, result: Result) -> None:
        """Take one frame's result, at the source's rate."""

    def show_status(self, status: EngineStatus) -> None:
        """Take how the engine stands, ten times a second."""

    def slow_tick(self) -> None:
        """Ten times a second: what changes too fast to be read."""


class Pages(QWidget):
    """Rail, pages and notices; `actions` has a "show_page:<key>" for each page."""

    turned = Signal()

    def __init__(self, pages: Sequence[Page], actions: Mapping[str, QAction], foot: Sequence[Entry]) -> None:
        super().__init__()
        self.rail = Rail([(page.key, page.title, actions[f"show_page:{page.key}"]) for page in pages], foot)
        self._stack = QStackedWidget()
        self._pages = {page.key: page for page in pages}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self._stack, 1)
        self.notices = Notices(self)
        self.notices.resized.connect(self._place_notices)
        for page in pages:
            self._stack.addWidget(page)
            page.notice_area.installEventFilter(self)
        self.turn_to(pages[0].key)

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages.values())

    @property
    def shown(self) -> Page:
        """The page that is shown."""
        page = self._stack.currentWidget()
        assert isinstance(page, Page)
        return page

    def turn_to(self, key: str) -> None:
        """Show a page."""
        self._stack.setCurrentWidget(self._pages[key])
        self.rail.mark(key)
        self._place_notices()
        self.turned.emit()

    def turn_back(self) -> bool:
        """Show the first page; False where it is shown already."""
        first = next(iter(self._pages))
        if self.shown.key == first:
            return False
        self.turn_to(first)
        return True

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.rail, self.notices, *self):
            part.show_theme(chosen)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102, N802 - Qt's name
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._place_notices()
        return super().eventFilter(watched, event)

    def _place_notices(self) -> None:
        area = self.shown.notice_area
        corner = area.mapTo(self, QPoint(0, 0))
        self.notices.fit(min(area.width() - 2 * MARGIN_PX, NOTICE_PX))
        self.notices.move(corner.x() + (area.width() - self.notices.width()) // 2, corner.y() + MARGIN_PX)
        self.notices.raise_()
