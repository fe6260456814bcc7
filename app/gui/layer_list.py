"""Every layer of the pack with feature maps, from the picture to the scores; one of them is looked into."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.gui import theme
from core.explain.feature_layers import FeatureLayer

WIDTH_PX: Final = 244
NARROW_PX: Final = 218
ROW_PX: Final = 26
SIZE_ROLE: Final = Qt.ItemDataRole.UserRole
KEY_ROLE: Final = Qt.ItemDataRole.UserRole + 1


class _Row(QStyledItemDelegate):
    """The name at the left, the maps' number and size at the right."""

    def __init__(self, parent: QListWidget) -> None:
        super().__init__(parent)
        self._list = parent
        self.theme = theme.DARK

    def sizeHint(  # noqa: N802 - Qt's name
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(0, ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect: QRect = option.rect
        current = index == self._list.currentIndex()
        if current:
            painter.fillRect(rect, self.theme.colour("accent_soft"))
        inside = rect.adjusted(16, 0, -14, 0)
        size = str(index.data(SIZE_ROLE))
        painter.setFont(theme.font(11, tabular=True))
        painter.setPen(self.theme.colour("muted"))
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, size)
        room = inside.width() - QFontMetrics(painter.font()).horizontalAdvance(size) - 8
        painter.setFont(theme.font(13))
        painter.setPen(self.theme.colour("accent" if current else "text"))
        name = QFontMetrics(painter.font()).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room)
        painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)


class LayerList(QFrame):
    """A heading, the list, and what is left out of it."""

    chosen = Signal(str)  # key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerSide")
        self.setFixedWidth(WIDTH_PX)
        self._layers: tuple[FeatureLayer, ...] = ()
        self.list = QListWidget()
        self.list.setObjectName("layerList")
        self.list.setAccessibleName("Layers")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._row = _Row(self.list)
        self.list.setItemDelegate(self._row)
        self.list.currentItemChanged.connect(self._tell)
        self._left_out = QLabel("")
        self._left_out.setProperty("role", "quiet")
        self._left_out.setWordWrap(True)
        self._left_out.setContentsMargins(16, 6, 12, 10)
        heading = QLabel("LAYERS")
        note = self._note = QLabel("maps · width × height")
        heading.setProperty("role", "heading")
        note.setProperty("role", "quiet")
        top = QHBoxLayout()
        top.setContentsMargins(16, 14, 14, 8)
        top.addWidget(heading)
        top.addStretch(1)
        top.addWidget(note)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.list, 1)
        column.addWidget(self._left_out)
        self._left_out.hide()

    def set_narrow(self, narrow: bool) -> None:
        """Leave more room to the maps."""
        self.setFixedWidth(NARROW_PX if narrow else WIDTH_PX)
        self._note.setVisible(not narrow)

    @property
    def names(self) -> list[str]:
        """What is listed."""
        return [layer.name for layer in self._layers]

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._row.theme = chosen
        self.list.viewport().update()

    def show_layers(self, layers: Sequence[FeatureLayer], left_out: Sequence[str]) -> None:
        """List these; emits nothing."""
        if tuple(layers) != self._layers:
            self._layers = tuple(layers)
            self.list.blockSignals(True)
            self.list.clear()
            for layer in layers:
                item = QListWidgetItem(layer.name, self.list)
                item.setData(SIZE_ROLE, _short(layer))
                item.setData(KEY_ROLE, layer.key)
                item.setToolTip(f"{layer.title}\nin the file: {layer.key}")
            self.list.blockSignals(False)
        self._left_out.setVisible(bool(left_out))
        what = "layers are" if len(left_out) > 1 else "layer is"
        self._left_out.setText(f"{len(left_out)} {what} left out: tokens and the like have no place in the picture.")
        self._left_out.setToolTip("\n".join(left_out))

    def show_key(self, key: str) -> None:
        """Mark the layer of this key; emits nothing."""
        place = next((place for place, layer in enumerate(self._layers) if layer.key == key), -1)
        self.list.blockSignals(True)
        self.list.setCurrentRow(place)
        self.list.blockSignals(False)
        if place >= 0:
            self.list.scrollToItem(self.list.item(place))
        self.list.viewport().update()

    def _tell(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(KEY_ROLE))


def _short(layer: FeatureLayer) -> str:
    if layer.height * layer.width == 1:
        return str(layer.channels)
    return f"{layer.channels} · {layer.width} × {layer.height}"
