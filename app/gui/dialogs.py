"""Asking for a file or an address, without holding up the window."""

from collections.abc import Callable

from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget


def ask_for_file(parent: QWidget, chosen: Callable[[str], object]) -> None:
    """Ask for a video or a picture; `chosen` is called with its path, or not at all."""
    dialog = QFileDialog(parent, "Open a video or a picture")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def ask_for_kept(parent: QWidget, title: str, kind: str, chosen: Callable[[str], object]) -> None:
    """Ask for a file of a kind, as "Words (*.suffix)"; `chosen` is called with its path, or not at all."""
    dialog = QFileDialog(parent, title, "", kind)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def ask_where_to_save(parent: QWidget, title: str, kind: str, chosen: Callable[[str], object]) -> None:
    """Ask where a file of a kind is to be; `chosen` is called with its path, or not at all."""
    dialog = QFileDialog(parent, title, "", kind)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(kind.rpartition(".")[2].rstrip(")"))
    dialog.fileSelected.connect(chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def ask_for_address(parent: QWidget, chosen: Callable[[str], object]) -> None:
    """Ask for the address of a stream; `chosen` is called with it, or not at all."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle("Open a stream")
    dialog.setLabelText("Address of the stream (http, https, rtsp):")
    dialog.resize(460, dialog.height())
    dialog.textValueSelected.connect(lambda text: chosen(text.strip()) if text.strip() else None)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
