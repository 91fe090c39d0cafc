"""The sentence model as an ONNX graph in float32: built in memory from the checked weights, run by ONNX Runtime.

The graph is written down here, not exported: ONNX Runtime's fused operators (com.microsoft) carry the embedding, the
attention and the erf-GELU; mean pooling and normalisation to length 1 are part of it. One run uses one core; several
may run at once, so that the number of cores changes no bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from oracle.quality.minilm import DIMENSIONS, EPSILON, HEADS, Floats, Layer, Pair, Weights, weights

FUSED = "com.microsoft"
OPSET = 17
_SMALL = 2**16  # bytes of a constant that is written into the graph


@cache
def network() -> Callable[[NDArray[np.int32], NDArray[np.int64]], Floats]:
    """The network: (b, longest) padded word pieces and (b,) numbers of them that count to (b, d) unit vectors.

    Raises:
        EnvironmentFailure: the packaged model is missing or altered.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # as written: what further passes fuse runs slower
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    graph = _Graph(weights())
    outside = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in graph.outside.values()]
    options.add_external_initializers(list(graph.outside), outside)
    content = graph.model().SerializeToString()
    del graph
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(ids: NDArray[np.int32], lengths: NDArray[np.int64]) -> Floats:
        return cast(Floats, session.run(None, {"ids": ids, "lengths": lengths.astype(np.int32)})[0])

    return run


class _Graph:
    """Collects nodes and constants; every method returns the name of what it computes. Large constants stay ``outside``
    the model, by name: inside they would be copied whenever it is assembled, written and read.
    """

    def __init__(self, parameters: Weights) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.outside: dict[str, NDArray[Any]] = {}
        states = self.embedded(parameters)
        for layer in parameters.layers:
            states = self.encoded(states, layer)
        self.result = self.pooled(states)

    def model(self) -> ModelProto:
        inputs = [
            helper.make_tensor_value_info("ids", TensorProto.INT32, ["sentences", "pieces"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["sentences"]),
        ]
        outputs = [helper.make_tensor_value_info(self.result, TensorProto.FLOAT, ["sentences", DIMENSIONS])]
        graph = helper.make_graph(self.nodes, "all-MiniLM-L6-v2", inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def embedded(self, parameters: Weights) -> str:
        """Words and positions, added and normalised; every sentence is of the first kind."""
        words, positions = self.constant(parameters.words), self.constant(parameters.positions + parameters.kind)
        inputs = ["ids", "", words, positions, "", *map(self.constant, parameters.norm)]
        return self.node("EmbedLayerNormalization", *inputs, outputs=2, epsilon=EPSILON)

    def encoded(self, states: str, layer: Layer) -> str:
        heads = [self.constant(np.ascontiguousarray(layer.attend[0].T)), self.constant(layer.attend[1])]
        attended = self.node("Attention", states, *heads, "lengths", num_heads=HEADS)
        states = self.added(self.product(attended, layer.mix), states, layer.mix[1], layer.mix_norm)
        wide = self.node("BiasGelu", self.product(states, layer.widen), self.constant(layer.widen[1]))
        return self.added(self.product(wide, layer.narrow), states, layer.narrow[1], layer.narrow_norm)

    def added(self, change: str, states: str, bias: Floats, norm: Pair) -> str:
        """norm(change + bias + states); the fused SkipLayerNormalization is the slower one."""
        total = self.node("Add", self.node("Add", change, states, domain=""), self.constant(bias), domain="")
        terms = map(self.constant, norm)
        return self.node("LayerNormalization", total, *terms, domain="", axis=-1, epsilon=EPSILON)

    def product(self, states: str, dense: Pair) -> str:
        return self.node("MatMul", states, self.constant(np.ascontiguousarray(dense[0].T)), domain="")

    def pooled(self, states: str) -> str:
        """Mean of the states that count (the length of the sum is lost in the normalisation to length 1)."""
        shape = self.node("Shape", "ids", domain="", start=1)
        width = self.node("Squeeze", shape, domain="")
        zero, one, last = (self.constant(np.array(value, dtype=np.int64)) for value in (0, 1, [-1]))
        columns = self.node("Range", zero, width, one, domain="")
        lengths = self.node("Unsqueeze", self.node("Cast", "lengths", domain="", to=TensorProto.INT64), last, domain="")
        counts = self.node("Less", columns, lengths, domain="")
        mask = self.node("Unsqueeze", self.node("Cast", counts, domain="", to=TensorProto.FLOAT), last, domain="")
        middle = self.constant(np.array([1], dtype=np.int64))
        total = self.node("ReduceSum", self.node("Mul", states, mask, domain=""), middle, domain="", keepdims=0)
        return self.node("LpNormalization", total, domain="", axis=-1, p=2)

    def node(self, operator: str, *inputs: str, domain: str = FUSED, outputs: int = 1, **attributes: Any) -> str:
        names = [f"{operator}_{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names[0]

    def constant(self, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"constant_{len(self.constants)}"
        if value.nbytes <= _SMALL:
            self.constants.append(numpy_helper.from_array(value, name))
        else:
            self.outside[name] = value
            kind = helper.np_dtype_to_tensor_dtype(value.dtype)
            tensor = TensorProto(name=name, dims=value.shape, data_type=kind, data_location=TensorProto.EXTERNAL)
            tensor.external_data.add(key="location", value=name)
            self.constants.append(tensor)
        return name
