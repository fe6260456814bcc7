"""What the filters of a network look for: the pictures that drive each of them most, and the action unit it follows.

::

    Lens        one layer's maxima over a corpus, and the pattern of pixels behind each  -->  maxima, patterns
    follow      which action unit each filter follows, with errors under control         -->  Following
    NeuronAtlas what was found, for one pack, in one file                                -->  neurons.npz
"""

from core.neurons.atlas import LayerAtlas, NeuronAtlas

__all__ = ["LayerAtlas", "NeuronAtlas"]
