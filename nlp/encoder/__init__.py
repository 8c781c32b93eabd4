"""The accurate tier: a sentence encoder that runs through ONNX Runtime, where one is installed.

The folder's law: a model is a directory with a `model.json`, made by `conversion` from a published
file whose hash is pinned, or by anybody else in the same format (docs/language.md). Nothing is
downloaded, no pickle is read, no code of the weights' publisher is run. No other folder imports
this one: whoever wants the accurate tier opens an `nlp.Encoder` and hands it to `nlp.analyse_many`.
"""

from nlp.encoder.manifest import Manifest, check_directory, read_manifest
from nlp.encoder.model import Encoder

__all__ = ["Encoder", "Manifest", "check_directory", "read_manifest"]
