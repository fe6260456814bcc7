"""Labelled collections of face pictures, in whatever form they come.

::

    path --> open_corpus --> Corpus       title, layout, what was left out and why
             (LAYOUTS)       `-- Example  name, label, subject; read() gives the picture

One file per form. A picture that cannot be read raises when it is read, so that one bad file ends nothing.
"""

from core.corpora.corpus import Corpus, Example
from core.corpora.labels import expression, in_order
from core.corpora.opening import AUTO, LAYOUTS, Layout, open_corpus

__all__ = ["AUTO", "LAYOUTS", "Corpus", "Example", "Layout", "expression", "in_order", "open_corpus"]
