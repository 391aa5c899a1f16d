"""Writes the network of `network.py` as an ONNX graph with plain operators: fixed batch of 1, opset 17."""

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from network import A, B, C, FILTERS, LENGTH, PAIRS, VOCABULARY, WIDTHS


class Graph:
    """Collects nodes and constants; every method returns the name of its output."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, name, value):
        self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def node(self, operator, inputs, output=None, **attributes):
        output = output or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(h.make_node(operator, inputs, [output], **attributes))
        return output


def wide_part(g):
    """Adds the weights of tokens and pairs; returns what each place adds, [1, LENGTH]."""
    single = g.node("Gather", ["single", g.node("Add", ["ids", g.node("Mul", ["marks", "vocabulary"])])])
    following = g.node("Concat", [g.node("Slice", ["ids", "from_second", "to_end", "axis1"]), "zero"], axis=1)
    mixed = g.node("Add", [g.node("Mul", ["ids", "a"]), g.node("Mul", [following, "b"])])
    mixed = g.node("Mod", [g.node("Add", [mixed, g.node("Mul", ["marks", "c"])]), "pairs"])
    both = g.node("Mul", [g.node("Add", [single, g.node("Gather", ["pair", mixed])]), "mask"])
    places = g.node("Max", [g.node("ReduceSum", ["mask", "axis1"], keepdims=1), "one"])
    return g.node("Div", [both, places])


def deep_part(g):
    """Adds embeddings, convolutions and the maximum; returns what each place adds, [1, LENGTH]."""
    x = g.node("Concat", [g.node("Gather", ["embedding", "ids"]), g.node("Gather", ["mark", "marks"])], axis=2)
    x = g.node("Transpose", [x], perm=[0, 2, 1])
    rows = []
    for width in WIDTHS:
        pads = [width // 2, width // 2]
        rows.append(g.node("Relu", [g.node("Conv", [x, f"w{width}", f"b{width}"], kernel_shape=[width], pads=pads)]))
    features = g.node("Mul", [g.node("Concat", rows, axis=1), g.node("Reshape", ["mask", "shape_across"])])
    peak = g.node("ReduceMax", [features], axes=[2], keepdims=1)
    reached = g.node("Cast", [g.node("Equal", [features, peak])], to=T.FLOAT)
    share = g.node("Div", [g.node("Mul", [peak, "top"]), g.node("ReduceSum", [reached, "axis2"], keepdims=1)])
    return g.node("Reshape", [g.node("MatMul", [g.node("Reshape", [share, "shape_features"]), reached]), "shape_row"])


def build(weights):
    """Returns the ONNX model: ids and marks in; probability, tokens and rest out."""
    g = Graph()
    for name, value in weights.items():
        g.constant(name, value)
    shapes = {"shape_across": [1, 1, LENGTH], "shape_row": [1, LENGTH], "shape_features": [1, 1, FILTERS * len(WIDTHS)]}
    for name, shape in shapes.items():
        g.constant(name, np.array(shape, np.int64))
    for axis in (1, 2):
        g.constant(f"axis{axis}", np.array([axis], np.int64))
    g.constant("one", np.array([[1.0]], np.float32))
    for name, number in {"zero": 0, "vocabulary": VOCABULARY, "a": A, "b": B, "c": C, "pairs": PAIRS}.items():
        g.constant(name, np.array([[number]], np.int64))
    g.constant("from_second", np.array([1], np.int64))
    g.constant("to_end", np.array([LENGTH], np.int64))
    g.node("Cast", [g.node("Greater", ["marks", "zero"])], "mask", to=T.FLOAT)
    tokens = g.node("Add", [wide_part(g), deep_part(g)], "tokens")

    counts = []
    for mark in (1, 2, 3):
        g.constant(f"is{mark}", np.array([[mark]], np.int64))
        is_mark = g.node("Cast", [g.node("Equal", ["marks", f"is{mark}"])], to=T.FLOAT)
        counts.append(g.node("ReduceSum", [is_mark, "axis1"], keepdims=1))
    sizes = g.node("Log", [g.node("Add", [g.node("Concat", counts, axis=1), "one"])])
    rest = g.node("Add", [g.node("MatMul", [sizes, "size"]), "bias"], "rest")
    score = g.node("Add", [rest, g.node("ReduceSum", [tokens, "axis1"], keepdims=1)])
    g.node("Sigmoid", [score], "probability")

    inputs = [h.make_tensor_value_info(n, T.INT64, [1, LENGTH]) for n in ("ids", "marks")]
    shapes = {"probability": [1, 1], "tokens": [1, LENGTH], "rest": [1, 1]}
    outputs = [h.make_tensor_value_info(n, T.FLOAT, s) for n, s in shapes.items()]
    graph = h.make_graph(g.nodes, "attention", inputs, outputs, list(g.constants.values()))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9, producer_name="portcullis")
    onnx.checker.check_model(model, full_check=True)
    return model
