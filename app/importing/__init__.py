"""``mienscope packs import``: a pack made of a model from outside.

::

    model.onnx -- foreign --> what it takes and gives
               -- preparation --> how pixels are scaled for it: as told, or guessed from evidence
               -- wrapping --> the pack's graph: uint8 aligned faces in, logits out, checked against the file itself
               -- trial --> which methods explain it
               -- writing --> manifest, golden outputs, card; all or nothing
"""
