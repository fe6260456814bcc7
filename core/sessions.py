"""ONNX Runtime sessions of one pack: where they run, and the compiled explainers that are kept on disk."""

import ctypes
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from core.errors import UnknownName
from core.explain import COMPILER_VERSION, Method, compile_explainer
from core.explain.compiler import named_method
from core.explain.trust import trusted
from core.explain.tuned import fingerprint, start_tuned, tuned
from core.packs import AnyPack

PROVIDERS: Final = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


def nvidia_driver() -> bool:
    """Whether this machine has NVIDIA's driver. GPU builds of ONNX Runtime list CUDA on every machine."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def providers_for(choice: str) -> list[str]:
    """Execution providers to ask for, best first.

    "auto" asks for CUDA where it is compiled in and a driver is present. UnknownName for a name that does not exist.
    """
    import onnxruntime

    if choice != "auto" and choice not in PROVIDERS:
        raise UnknownName("provider", choice, ("auto", *PROVIDERS))
    available = onnxruntime.get_available_providers()
    if choice == "auto":
        choice = "cuda" if PROVIDERS["cuda"] in available and nvidia_driver() else "cpu"
    wanted = [PROVIDERS[choice]] if PROVIDERS[choice] in available else []
    return list(dict.fromkeys([*wanted, PROVIDERS["cpu"]]))


class Sessions:
    """Sessions made when first needed.

    Parameters are those of `core.model.Model`.
    """

    def __init__(self, pack: AnyPack, provider: str, threads: int | None, cache: Path | None) -> None:
        self._pack, self._asked, self._cache = pack, provider, cache
        self._providers = providers_for(provider)
        self._threads = threads or min(os.cpu_count() or 1, 4)
        self._compiled: dict[str, Any] = {}

    @cached_property
    def forward(self) -> Any:
        """The session of the pack as it is: the only file from outside that ONNX Runtime is given."""
        import onnxruntime

        path = self._pack.model_path
        trusted(path)
        return onnxruntime.InferenceSession(str(path), self._options(), providers=self._providers)

    @cached_property
    def provider(self) -> str:
        """The provider that really runs, from the session itself."""
        return str(self.forward.get_providers()[0])

    @property
    def warning(self) -> str | None:
        """One sentence when what was asked for is not what runs, else None."""
        wanted = self._providers[0] if self._asked == "auto" else PROVIDERS[self._asked]
        if self.provider == wanted:
            return None
        return f"{wanted} was asked for, but it could not be started here; {self.provider} runs instead."

    def compiled(self, method: Method, **options: Any) -> Any:
        """The session of a method's compiled graph. Methods that need the same graph share one."""
        name = _graph_name(method, options)
        if name not in self._compiled:
            self._compiled[name] = self._start(self._file(name, method, **options))
        return self._compiled[name]

    def passing(self, model: bytes) -> Any:
        """A session of a graph that is kept nowhere. It is read from a file: other threads go on meanwhile."""
        import onnxruntime

        with tempfile.TemporaryDirectory(prefix="mienscope-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(model)
            return onnxruntime.InferenceSession(str(path), self._options(), providers=self._providers)

    def is_kept(self, method: str) -> bool:
        """Whether the method's graph lies in the cache."""
        name = _graph_name(named_method(method), {"at": None, "layer": None, "audit": False})
        return self._cache is not None and self._place(name, self._cache).is_file()

    @property
    def _on_processor(self) -> bool:
        """Whether sessions run on the processor alone, for which explainers can be tuned."""
        return self._providers == [PROVIDERS["cpu"]]

    def _place(self, name: str, cache: Path) -> Path:
        machine = f"-{fingerprint()}" if self._on_processor else ""
        return cache / f"{self._pack.model_sha256[:32]}-{name}-{COMPILER_VERSION}{machine}.onnx"

    def _made(self, method: Method, **options: Any) -> bytes:
        explainer = compile_explainer(self._pack.model_path, method, **options)
        return tuned(explainer) if self._on_processor else explainer

    def _file(self, name: str, method: Method, **options: Any) -> bytes | Path:
        if self._cache is None:
            return self._made(method, **options)
        path = self._place(name, self._cache)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}.new")
            fresh.write_bytes(self._made(method, **options))
            fresh.replace(path)
        return path

    def _start(self, model: bytes | Path) -> Any:
        """Start a session. From a file it is read without holding Python's lock: other threads go on meanwhile."""
        import onnxruntime

        if self._on_processor:
            return start_tuned(model, self._options())
        source = str(model) if isinstance(model, Path) else model
        return onnxruntime.InferenceSession(source, self._options(), providers=self._providers)

    def _options(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # A provider that cannot start is told by `warning`, not by lines on standard error.
        onnxruntime.set_default_logger_severity(4)
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from the decoder and the window.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options


def fixed_of(session: Any) -> int | None:
    """Return the only batch that a session takes; None where it takes any."""
    batch = session.get_inputs()[0].shape[0]
    return batch if isinstance(batch, int) else None


def _graph_name(method: Method, options: Mapping[str, Any]) -> str:
    """Name the compiled graph of a method: methods that need the same one share it."""
    return hashlib.sha256(repr((method.graph, sorted(options.items()))).encode()).hexdigest()[:16]
