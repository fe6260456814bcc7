"""Everything a person can do, in one table. Menus, shortcuts, tool tips and the help overlay are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from core.engine import EngineStatus

LAYER_PAGES: Final = ("layers", "neurons")  # pages that show a layer: they share its keys
MENUS: Final = ("Source", "Playback", "Explanation", "Face", "Layers", "Verify", "Pain", "View", "Help")


@dataclass(frozen=True)
class Command:
    """One thing to do.

    Attributes
    ----------
    id
        Name of the method that does it, of the window, of its choices, of its player or of a page.
    keys
        Shortcuts, in Qt's portable spelling; the first is the one that menus show.
    argument
        What the method is called with, if anything.
    needs
        What must be there for it to make sense: "" nothing, "session" a source, "moving" one of more than one
        picture, "seek" one that can be sought in, "face" a face.
    pages
        Keys of the pages on which it makes sense; none: every one. Another page may have another use for its keys.
    """

    id: str
    text: str
    keys: tuple[str, ...]
    menu: str
    hint: str
    argument: int | float | str | None = None
    needs: str = ""
    checkable: bool = False
    pages: tuple[str, ...] = ()

    def serves(self, page: str) -> bool:
        """Whether it makes sense on this page."""
        return not self.pages or page in self.pages

    @property
    def name(self) -> str:
        """Unique among the commands."""
        if isinstance(self.argument, str):
            return f"{self.id}:{self.argument}"
        return self.id if self.argument is None else f"{self.id}:{self.argument:g}"

    @property
    def key(self) -> str:
        """The first shortcut as this desktop writes it."""
        return QKeySequence(self.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if self.keys else ""

    @property
    def tool_tip(self) -> str:
        """Hint and key, as buttons show them."""
        return f"{self.hint} ({self.key})" if self.key else self.hint


COMMANDS: Final = (
    Command("choose_source", "Choose source…", ("L",), "Source", "Choose a camera, file, stream or the demo clip"),
    Command(
        "open_file",
        "Open file…",
        ("O", "Ctrl+O"),
        "Source",
        "Open a video or a picture; folders can be dropped on the window",
    ),
    Command("open_url", "Open stream…", ("U",), "Source", "Open a stream by its address"),
    Command("open_demo", "Demo clip", ("D",), "Source", "Open the clip that came with Mienscope"),
    Command("choose_pack", "Choose pack…", ("Shift+L",), "Source", "Choose the model pack that reads the faces"),
    Command("close", "Quit", ("Ctrl+Q",), "Source", "Leave Mienscope"),
    Command("toggle_pause", "Pause", ("Space", "K"), "Playback", "Pause or go on", needs="moving"),
    Command("step", "Next frame", ("Right", "Alt+Right"), "Playback", "Show the next frame", +1, "seek"),
    Command("step", "Previous frame", ("Left", "Alt+Left"), "Playback", "Show the frame before", -1, "seek"),
    Command("skip", "5 s on", ("Shift+Right",), "Playback", "Go 5 seconds on", +5.0, "seek"),
    Command("skip", "5 s back", ("Shift+Left",), "Playback", "Go 5 seconds back", -5.0, "seek"),
    Command("rewind", "To the start", ("Home",), "Playback", "Go to the first frame", needs="seek"),
    Command("snapshot", "Snapshot", ("S",), "Playback", "Save this picture and its numbers", needs="session"),
    Command("next_method", "Next method", ("M",), "Explanation", "Explain with the next method"),
    Command("choose_method", "Choose method…", ("Shift+M",), "Explanation", "Choose among all methods"),
    Command("next_class", "Next class", ("C",), "Explanation", "Explain the next class", needs="session"),
    Command("next_contrast", "Next contrast", ("X",), "Explanation", "Contrast with the next class", needs="session"),
    Command("next_every", "More or less often", ("E",), "Explanation", "Explain every frame, or fewer"),
    Command("toggle_regions", "Region outlines", ("R",), "Explanation", "Outline the regions", checkable=True),
    Command(
        "toggle_scores",
        "Scores beside faces",
        ("Shift+C",),
        "Explanation",
        "Show the probability of every class beside each face",
        checkable=True,
    ),
    Command("toggle_landmarks", "Face mesh", ("W",), "Explanation", "Draw the face mesh", checkable=True),
    Command(
        "toggle_points",
        "Landmark network",
        ("Shift+W",),
        "Explanation",
        "Read the face mesh by itself too, and show what each of its points counts",
        checkable=True,
    ),
    Command("next_region_mode", "Polygons or boxes", ("B",), "Explanation", "Divide the face by polygons or by boxes"),
    Command(
        "next_colour_map", "Next colour map", ("P",), "Explanation", "Colour the heatmap another way", pages=("live",)
    ),
    Command(
        "fit_scale",
        "Fit scale to this map",
        ("A",),
        "Explanation",
        "Set the scale once from this map",
        needs="face",
        pages=("live",),
    ),
    Command(
        "change_scale",
        "Scale up",
        ("+", "="),
        "Explanation",
        "Stronger relevance needed for full colour",
        2.0,
        pages=("live",),
    ),
    Command(
        "change_scale", "Scale down", ("-",), "Explanation", "Weaker relevance gets full colour", 0.5, pages=("live",)
    ),
    Command(
        "reset_scale",
        "Reference scale",
        ("0",),
        "Explanation",
        "The scale that fits this pack and method",
        pages=("live",),
    ),
    Command("change_opacity", "More opaque", ("]",), "Explanation", "Show more of the heatmap", +0.1, pages=("live",)),
    Command("change_opacity", "Less opaque", ("[",), "Explanation", "Show less of the heatmap", -0.1, pages=("live",)),
    *(
        Command(
            "select_face", f"Face {chr(64 + n)}", (str(n),), "Face", f"Show face number {n} of this picture", n, "face"
        )
        for n in range(1, 10)
    ),
    Command("toggle_numbers", "Numbers", ("N",), "Face", "Show the numbers behind the verdict", None, "face"),
    Command("step_layer", "Next layer", ("]",), "Layers", "Look into the next layer", +1, pages=LAYER_PAGES),
    Command("step_layer", "Previous layer", ("[",), "Layers", "Look into the layer before", -1, pages=LAYER_PAGES),
    Command(
        "pin_channel", "Pin the channel", ("P",), "Layers", "Keep this channel first, or let it go", pages=LAYER_PAGES
    ),
    Command(
        "next_strength", "Maximum or mean", ("H",), "Layers", "Rank channels by the other strength", pages=("layers",)
    ),
    Command(
        "next_order",
        "Activation or reach",
        ("H",),
        "Layers",
        "Rank neurons by activation, or by its share of what each reaches",
        pages=("neurons",),
    ),
    Command(
        "toggle_smooth", "Units or smooth", ("I",), "Layers", "Draw maps unit by unit, or smoothly", pages=("layers",)
    ),
    Command(
        "change_layer_scale",
        "Scale up",
        ("+", "="),
        "Layers",
        "Stronger activation needed for full colour",
        2.0,
        pages=LAYER_PAGES,
    ),
    Command(
        "change_layer_scale",
        "Scale down",
        ("-",),
        "Layers",
        "Weaker activation gets full colour",
        0.5,
        pages=LAYER_PAGES,
    ),
    Command(
        "reset_layer_scale", "Reference scale", ("0",), "Layers", "The scale that fits this layer", pages=LAYER_PAGES
    ),
    Command(
        "fit_layer_scale", "Fit scale to now", ("A",), "Layers", "Set the scale once from these maps", pages=LAYER_PAGES
    ),
    Command(
        "go_to_stretch",
        "To the longest stretch",
        ("G",),
        "Verify",
        "Go to the longest stretch without support: of the chosen row, or of the session",
        needs="seek",
    ),
    Command("next_basis", "Next account", ("Shift+V",), "Verify", "Show what was added up otherwise"),
    Command("change_outside_limit", "Outside limit up", (".",), "Verify", "Let the verdict say outside later", +0.05),
    Command("change_outside_limit", "Outside limit down", (",",), "Verify", "Let it say outside earlier", -0.05),
    Command(
        "save_summary",
        "Save summary",
        ("Ctrl+S",),
        "Verify",
        "Save the session's verdicts as CSV and JSON",
        needs="session",
        pages=("live", "verify", *LAYER_PAGES),
    ),
    Command(
        "clear_summary",
        "Clear summary",
        ("Ctrl+Del",),
        "Verify",
        "Forget the session's verdicts so far",
        needs="session",
    ),
    Command(
        "toggle_pain",
        "Estimate pain",
        ("Shift+P",),
        "Pain",
        "Measure action units and the pain score PSPI of every face",
        checkable=True,
    ),
    Command(
        "toggle_pain_only",
        "Pain only",
        ("Ctrl+P",),
        "Pain",
        "Measure pain and read no expression at all: none is computed, shown or saved",
        checkable=True,
    ),
    Command(
        "set_neutral",
        "This is neutral",
        ("Z",),
        "Pain",
        "The selected face is at rest now: compare with it",
        None,
        "face",
    ),
    Command(
        "toggle_neutral_interval",
        "Neutral from / until",
        ("Shift+Z",),
        "Pain",
        "The selected face is at rest from here on, or was until here",
        None,
        "face",
    ),
    Command("undo_neutral", "Undo neutral", ("Ctrl+Z",), "Pain", "Take the last neutral face back", None, "session"),
    Command(
        "save_neutral",
        "Save neutral face…",
        ("Ctrl+Shift+S",),
        "Pain",
        "Keep the selected face’s neutral face in a file: numbers that a face can be drawn from",
        None,
        "face",
    ),
    Command(
        "load_neutral",
        "Load neutral face…",
        ("Ctrl+Shift+O",),
        "Pain",
        "Compare the selected face with a neutral face from a file",
        None,
        "face",
    ),
    Command(
        "next_smoothing", "Next smoothing", ("H",), "Pain", "Let action units follow faster or slower", pages=("pain",)
    ),
    Command(
        "show_alarm", "Why the alarm", ("Shift+Q",), "Pain", "Show the frozen explanation of the alarm that stands"
    ),
    Command(
        "acknowledge_alarm",
        "Acknowledge alarm",
        ("Ctrl+Return",),
        "Pain",
        "Say with your name that you have seen the alarm",
    ),
    Command(
        "toggle_alarm_sound", "Alarm sound", ("Ctrl+M",), "Pain", "Sound the bell with an alarm, or not", checkable=True
    ),
    Command(
        "save_pain",
        "Save pain record",
        ("Ctrl+S",),
        "Pain",
        "Save episodes, alarms and who acknowledged them as CSV and JSON",
        None,
        "session",
        pages=("pain",),
    ),
    Command("show_page", "Live page", ("Ctrl+1",), "View", "The video, and why the model reads it so", "live"),
    Command(
        "show_page", "Verify page", ("V", "Ctrl+2"), "View", "What the decisions of this session rested on", "verify"
    ),
    Command(
        "show_page", "Layers page", ("Y", "Ctrl+3"), "View", "What each layer of the network makes of a face", "layers"
    ),
    Command(
        "show_page", "Neurons page", ("Shift+N", "Ctrl+4"), "View", "What single filters look for in a face", "neurons"
    ),
    Command("show_page", "Pain page", ("Q", "Ctrl+5"), "View", "Pain scores, why, episodes and alarms", "pain"),
    Command("toggle_full_screen", "Full screen", ("F", "F11"), "View", "Fill the screen", checkable=True),
    Command("next_theme", "Dark, light, system", ("T",), "View", "Change the colours of the window"),
    Command(
        "dismiss",
        "Close what is on top",
        ("Esc",),
        "View",
        "Close what is on top, back to the live page, or leave full screen",
    ),
    Command("toggle_help", "Keys", ("?", "F1"), "Help", "Show every key"),
)


def make_actions(owner: QObject, *others: QObject) -> dict[str, QAction]:
    """One QAction per command, by its name, that calls the method of that id: the owner's, or another's that has it."""
    actions = {}
    for command in COMMANDS:
        receiver = next(each for each in (owner, *others) if hasattr(each, command.id))
        action = QAction(command.text, owner)
        action.setObjectName(command.name)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(command.tool_tip)
        action.setCheckable(command.checkable)
        action.triggered.connect(partial(_run, receiver, command))
        actions[command.name] = action
    return actions


def make_menu(parent: QWidget, actions: Mapping[str, QAction]) -> QMenu:
    """Everything that can be done, by what it is done to."""
    menu = QMenu(parent)
    for title in MENUS:
        menu.addMenu(title).addActions([actions[command.name] for command in COMMANDS if command.menu == title])
    return menu


def enable(actions: Mapping[str, QAction], session: bool, status: EngineStatus | None, page: str) -> None:
    """Enable what makes sense on this page with this status; `session` says whether there is a source."""
    moving = status is not None and status.frame_count != 1 and status.state != "failed"
    seekable = moving and status is not None and status.seekable
    there = {"": True, "session": session, "moving": moving, "seek": seekable, "face": session}
    for command in COMMANDS:
        actions[command.name].setEnabled(there[command.needs] and command.serves(page))
    running = status is None or status.state in ("running", "starting")
    actions["toggle_pause"].setText("Pause" if running else "Play")


def abilities(status: EngineStatus) -> tuple[object, ...]:
    """What `enable` goes by: while it stays the same, so do the actions."""
    return status.state, status.seekable, status.frame_count == 1


def _run(receiver: QObject, command: Command, *_: object) -> None:
    """Call the method with the command's own argument; what Qt's signal brings is left out."""
    arguments = () if command.argument is None else (command.argument,)
    getattr(receiver, command.id)(*arguments)
