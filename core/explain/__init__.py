"""The relevance compiler: any ONNX classifier in, an ONNX explainer out."""
