"""What a model is worth, and what its explanations are worth."""
