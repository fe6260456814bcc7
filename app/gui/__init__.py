"""The window. `run` opens it; everything else is a view of values or a wire between two of them."""


def run(source: str | None = None, pack: str | None = None, kiosk: bool = False) -> int:
    """Open the window and return the exit status once it is closed.

    Parameters
    ----------
    source
        Camera, file, URL or "demo"; None takes last time's, a camera, or the demo clip.
    pack
        Id or path of a model pack; None takes the one in the settings.
    kiosk
        Open on the full screen.
    """
    from app.gui.application import run as run_application

    return run_application(source, pack, kiosk)
