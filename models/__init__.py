"""The model lab: data, networks, training, verification. The only place that imports torch."""
