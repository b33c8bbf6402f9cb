"What is said where a package is not installed"


class Missing(ImportError): "An engine that is not installed; the message says how to get it."

NO_ONNX = 'an .onnx file takes onnx: pip install "tinybench-ml[onnx]"'
