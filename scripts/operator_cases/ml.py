"""Cases of ai.onnx.ml: trees, linear models, support vector machines, functions of features, and models of three libraries.

The models are in Tests/Fixtures/ml; scripts/export-ml-models.py exports them. Where onnxruntime departs from the text of the
operators (base values of targets without weights, NaN at BRANCH_NEQ, one target with a transform), NumPy gives the answers.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from operator_cases.recording import by_onnxruntime, case, model_of, real, reference, refused

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "ml"
ML = "ai.onnx.ml"
rng = np.random.default_rng(7)
F, D = np.float32, np.float64


def ml(node, inputs, attributes=None, *, opset=3, **options):
    case(node, inputs, attributes or {}, opset=opset, domain=ML, **options)


def no(node, inputs, attributes=None, *, opset=3, **options):
    refused(node, inputs, attributes or {}, opset=opset, domain=ML, **options)


# Trees of versions 1 and 3: one tree of two branches, one of a single branch.
MODES = ["BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF", "BRANCH_LT", "LEAF", "LEAF"]
NODES = {
    "nodes_treeids": [0, 0, 0, 0, 0, 4, 4, 4],
    "nodes_nodeids": [0, 1, 2, 3, 4, 0, 1, 2],
    "nodes_featureids": [0, 0, 1, 0, 0, 2, 0, 0],
    "nodes_values": [0.25, 0.0, -0.5, 0.0, 0.0, 0.125, 0.0, 0.0],
    "nodes_modes": MODES,
    "nodes_truenodeids": [1, 0, 3, 0, 0, 1, 0, 0],
    "nodes_falsenodeids": [2, 0, 4, 0, 0, 2, 0, 0],
}
LEAVES = {"treeids": [0, 0, 0, 4, 4], "nodeids": [1, 3, 4, 1, 2]}


def weights(role, ids, values):
    return {f"{role}_{key}": value for key, value in LEAVES.items()} | {f"{role}_ids": ids, f"{role}_weights": values}


def modes(*branches):
    picked = iter(branches)
    return {"nodes_modes": [mode if mode == "LEAF" else next(picked) for mode in MODES]}


x = real(rng, 13, 3)
x[:3] = [[0.25, -0.5, 0.125]] * 3
one = {"n_targets": 1} | weights("target", [0] * 5, [0.5, -1.5, 2.0, 0.75, -0.25])
for rows in (x, x[:1], x[:3], x[:5], x[:0], np.tile(x, (6, 1))):
    ml("TreeEnsembleRegressor", [rows], NODES | one, name=f"{len(rows)} rows")
ml("TreeEnsembleRegressor", [x], NODES | one, opset=1, name="version 1")
ml("TreeEnsembleRegressor", [x.astype(D)], NODES | one)
ml("TreeEnsembleRegressor", [np.array([0.25, -0.5, 0.125], F)], NODES | one, expected=[np.array([[0.25]], F)],
   name="one row without a batch axis")
ml("TreeEnsembleRegressor", [np.array([[0, 0, 0], [1, 0, 1], [1, -1, 0]])], NODES | one,
   expected=[np.array([[1.25], [-1.75], [2.75]], F)], name="integers")
for branches in (("BRANCH_LT",) * 3, ("BRANCH_GTE", "BRANCH_GT", "BRANCH_GTE"), ("BRANCH_EQ", "BRANCH_NEQ", "BRANCH_EQ")):
    ml("TreeEnsembleRegressor", [x], NODES | one | modes(*branches), name=" ".join(branches))
holes = x.copy()
holes[::3, 0] = holes[1::3, 1] = holes[2::4, 2] = np.nan
for flags in ([0] * 8, [1] * 8, [1, 0, 0, 0, 0, 1, 0, 0]):
    known = {"nodes_missing_value_tracks_true": flags}
    ml("TreeEnsembleRegressor", [holes], NODES | one | known, name=f"NaN {flags}")
    branches = modes("BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ")
    ml("TreeEnsembleRegressor", [holes], NODES | one | known | branches, name=f"NaN at other branches {flags}")
ml(
    "TreeEnsembleRegressor", [np.array([[np.nan, 0, 1]], F)], NODES | one | modes("BRANCH_NEQ", "BRANCH_LT", "BRANCH_LT"),
    expected=[np.array([[2.0 - 0.25]], F)], name="NaN is missing for BRANCH_NEQ too")
three = {"n_targets": 3} | weights("target", [0, 2, 1, 0, 2], [0.5, -1.5, 2.0, 0.75, -0.25])
for function in ("SUM", "AVERAGE", "MIN", "MAX"):
    ml("TreeEnsembleRegressor", [x], NODES | one | {"aggregate_function": function}, name=function)
    ml(
        "TreeEnsembleRegressor", [x], NODES | one | {"aggregate_function": function, "base_values": [0.3]},
        name=f"{function} on a base")
    ml("TreeEnsembleRegressor", [x], NODES | three | {"aggregate_function": function}, name=f"{function} of three")
several = {"n_targets": 2, "target_treeids": [0, 0, 0, 4, 4], "target_nodeids": [1, 1, 3, 1, 1],
           "target_ids": [0, 1, 1, 0, 0], "target_weights": [0.5, 0.25, -1.0, 0.125, 0.375]}
ml("TreeEnsembleRegressor", [x], NODES | several, name="several weights of a leaf, and none")
plain = by_onnxruntime(*model_of("TreeEnsembleRegressor", [x], NODES | three, 3, ML, (True,), ()))[0]
ml("TreeEnsembleRegressor", [x], NODES | three | {"base_values": [0.5, -1.0, 2.0]},
   expected=[plain + np.array([0.5, -1, 2], F)], name="base values")
for transform in ("LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
    ml("TreeEnsembleRegressor", [x], NODES | three | {"post_transform": transform}, name=transform)
single = {"n_targets": 1} | weights("target", [0] * 5, [0.1, 0.3, 0.35, 0.25, 0.4])
ml("TreeEnsembleRegressor", [x], NODES | single | {"post_transform": "PROBIT"}, tolerance=(1e-4, 1e-5), name="PROBIT")
doubles = {key: value for key, value in (NODES | one).items() if key not in ("nodes_values", "target_weights")} | {
    "nodes_values_as_tensor": numpy_helper.from_array(np.array(NODES["nodes_values"]) + 1e-9),
    "target_weights_as_tensor": numpy_helper.from_array(np.array(one["target_weights"]) / 3),
    "base_values_as_tensor": numpy_helper.from_array(np.array([0.1])),
}
ml("TreeEnsembleRegressor", [x.astype(D)], doubles, name="numbers of double precision")

two = {"classlabels_int64s": [5, 7]}
ids = {"classlabels_int64s": [3, -1, 9]} | weights("class", [0, 2, 1, 0, 2], [0.5, 1.5, 2.0, 0.75, 0.25])
for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
    given = {"post_transform": transform}
    ml("TreeEnsembleClassifier", [x], NODES | ids | given, outputs=(True, True), name=transform)
    for values in ([0.1, 0.3, 0.35, 0.25, 0.4], [0.1, -0.3, 0.35, 0.25, -0.4]):
        sign = "positive" if min(values) > 0 else "mixed"
        votes = two | weights("class", [0] * 5, values) | given
        ml("TreeEnsembleClassifier", [x], NODES | votes, outputs=(True, True), name=f"two classes, {sign}, {transform}")
        votes |= {"base_values": [0.125]}
        ml("TreeEnsembleClassifier", [x], NODES | votes, outputs=(True, True), name=f"two on a base, {sign}, {transform}")
        votes = two | weights("class", [1] * 5, values) | given
        ml("TreeEnsembleClassifier", [x], NODES | votes, outputs=(True, True), name=f"the second, {sign}, {transform}")
ml("TreeEnsembleClassifier", [x], NODES | ids | {"base_values": [1.0, 0.5, -0.5]}, outputs=(True, True), name="base values")
for kind in (D, np.int32, np.int64):
    ml("TreeEnsembleClassifier", [(x * 3).astype(kind)], NODES | ids, outputs=(True, True))
both = by_onnxruntime(*model_of("TreeEnsembleClassifier", [x], NODES | ids, 3, ML, (True, True), ()))
ml("TreeEnsembleClassifier", [x], NODES | ids, outputs=(True, False), expected=both[:1], name="labels alone")
ml("TreeEnsembleClassifier", [x], NODES | ids, outputs=(False, True), expected=both[1:], name="scores alone")

# Hostile trees.
for change, name in (
    ({"nodes_truenodeids": [1, 0, 0, 0, 0, 1, 0, 0]}, "a cycle"),
    ({"nodes_truenodeids": [9, 0, 3, 0, 0, 1, 0, 0]}, "a child that is not there"),
    ({"nodes_featureids": [3, 0, 1, 0, 0, 2, 0, 0]}, "a feature that is not there"),
    ({"nodes_featureids": [-1, 0, 1, 0, 0, 2, 0, 0]}, "a negative feature"),
    ({"nodes_modes": ["BRANCH"] + MODES[1:]}, "a mode that is none"),
    ({"nodes_values": [0.5]}, "lists of several lengths"),
    ({"nodes_nodeids": [0, 1, 2, 3, 3, 0, 1, 2]}, "a node twice"),
    ({"target_ids": [0, 0, 0, 0, 1]}, "a target that is not there"),
    ({"target_nodeids": [1, 3, 4, 1, 7]}, "a weight of no node"),
):
    no("TreeEnsembleRegressor", [x], NODES | one | change, name=name)


# Trees of version 5.
def ensemble(dtype, **change):
    return {
        "n_targets": 2, "aggregate_function": 1, "post_transform": 0, "tree_roots": [0, 2],
        "nodes_featureids": [0, 1, 2], "nodes_truenodeids": [1, 0, 3], "nodes_falsenodeids": [2, 1, 4],
        "nodes_trueleafs": [0, 1, 1], "nodes_falseleafs": [1, 1, 1],
        "nodes_modes": numpy_helper.from_array(np.array([0, 3, 1], np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.array([0.25, -0.5, 0.125], dtype)),
        "leaf_targetids": [0, 1, 0, 1, 0],
        "leaf_weights": numpy_helper.from_array(np.array([0.5, -1.5, 2.0, 0.75, -0.25], dtype)),
    } | change


for dtype in (F, D):
    for function in range(4):
        ml("TreeEnsemble", [x.astype(dtype)], ensemble(dtype, aggregate_function=function), opset=5,
           name=f"{dtype.__name__} function {function}")
# onnxruntime takes 1 for the logistic function and 2 for the softmax; the operator's text has them the other way round.
scores = by_onnxruntime(*model_of("TreeEnsemble", [x], ensemble(F), 5, ML, (True,), ()))[0]
powers = np.exp(scores)
for transform, answer in ((1, powers / powers.sum(1, keepdims=True)), (2, 1 / (1 + 1 / powers))):
    ml("TreeEnsemble", [x], ensemble(F, post_transform=transform), opset=5, expected=[answer], name=f"transform {transform}")
ml("TreeEnsemble", [x], ensemble(F, post_transform=3), opset=5, name="transform 3")
half = ensemble(F) | {key: numpy_helper.from_array(numpy_helper.to_array(ensemble(F)[key]).astype(np.float16))
                      for key in ("nodes_splits", "leaf_weights")}
narrow = x.astype(np.float16)
ml("TreeEnsemble", [narrow], half, opset=5, by=reference, name="halves")
members = {
    "n_targets": 4, "aggregate_function": 1, "membership_values": numpy_helper.from_array(
        np.array([1.2, 3.7, 8, 9, np.nan, 12, 7, np.nan], F)),
    "nodes_missing_value_tracks_true": None, "nodes_featureids": [0, 0, 0],
    "nodes_modes": numpy_helper.from_array(np.array([0, 6, 6], np.uint8)),
    "nodes_splits": numpy_helper.from_array(np.array([11, 232344.0, np.nan], F)),
    "nodes_truenodeids": [1, 0, 1], "nodes_trueleafs": [0, 1, 1], "nodes_falsenodeids": [2, 2, 3],
    "nodes_falseleafs": [0, 1, 1], "leaf_targetids": [0, 1, 2, 3],
    "leaf_weights": numpy_helper.from_array(np.array([1, 10, 1000, 100], F)), "tree_roots": [0], "post_transform": 0,
}
del members["nodes_missing_value_tracks_true"]
sets = np.array([1.2, 3.4, -0.12, np.nan, 12, 7, 8, 9], F).reshape(-1, 1)
expected = np.array([[1, 0, 0, 0], [0, 0, 0, 100], [0, 0, 0, 100], [0, 0, 1000, 0], [0, 0, 1000, 0], [0, 10, 0, 0],
                     [1, 0, 0, 0], [1, 0, 0, 0]], F)
ml("TreeEnsemble", [sets[[0, 4, 5, 6, 7]]], members, opset=5, name="sets")
for change, name in (
    ({"nodes_truenodeids": [0, 0, 3]}, "a cycle"),
    ({"nodes_falsenodeids": [5, 1, 4]}, "a leaf that is not there"),
    ({"tree_roots": [3]}, "a root that is not there"),
    ({"leaf_targetids": [0, 1, 0, 1, 2]}, "a target that is not there"),
    ({"nodes_modes": numpy_helper.from_array(np.array([0, 6, 1], np.uint8))}, "a set that is not there"),
):
    no("TreeEnsemble", [x], ensemble(F, **change), opset=5, name=name)

# Linear models.
rows = real(rng, 6, 2, scale=0.3)
for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
    given = {"post_transform": transform}
    matrix = {"coefficients": [1.0, 0.5, -0.5, 1.0, 0.25, 0.75], "intercepts": [0.1, 0.0, 0.3]}
    ml("LinearRegressor", [rows], matrix | given | {"targets": 3}, opset=1, name=transform)
    ml("LinearClassifier", [rows], matrix | given | {"classlabels_ints": [3, 4, 5], "multi_class": 1}, opset=1,
       outputs=(True, True), name=transform)
    ml("LinearClassifier", [rows],
       {"coefficients": [1.0, 0.5], "intercepts": [0.1], "classlabels_ints": [5, 7]} | given, opset=1,
       outputs=(True, True), name=f"two classes, {transform}")
ml("LinearRegressor", [rows[0]], {"coefficients": [1.0, 0.5]}, opset=1, name="one row")
inner = np.array([[0.5, 0.1], [0.3, 0.2], [0.9, 0.04]], F)
ml("LinearRegressor", [inner], {"coefficients": [1.0, 0.5], "post_transform": "PROBIT"}, opset=1, tolerance=(1e-4, 1e-5),
   name="PROBIT")
for kind in (D, np.int32, np.int64):
    ml("LinearClassifier", [(rows * 9).astype(kind)], matrix | {"classlabels_ints": [3, 4, 5]}, opset=1, outputs=(True, True))
no("LinearRegressor", [rows], {"coefficients": [1.0, 0.5, 1.0], "targets": 2}, opset=1, name="an odd number of coefficients")

# Support vector machines.
support = {"support_vectors": [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5, -1.0], "kernel_params": [0.5, 0.1, 3.0]}
for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
    given = support | {"kernel_type": kernel}
    ml("SVMRegressor", [rows], given | {"coefficients": [0.5, -0.2, 0.3, 0.7], "rho": [0.1], "n_supports": 4}, opset=1,
       name=kernel)
    pairs = {"coefficients": [0.5, -0.2, 0.3, 0.1, 0.4, 0.2, -0.3, -0.6], "rho": [-0.1, 0.1, 0.2],
             "vectors_per_class": [2, 1, 1], "classlabels_ints": [5, 7, 9]}
    ml("SVMClassifier", [rows], given | pairs, opset=1, outputs=(True, True), name=kernel)
    platt = {"prob_a": [-1.0, -2.0, 0.5], "prob_b": [0.1, 0.2, 0.3]}
    ml("SVMClassifier", [rows], given | pairs | platt, opset=1, outputs=(True, True), name=f"{kernel} with probabilities")
ml("SVMRegressor", [rows], {"coefficients": [0.5, -0.2], "rho": [0.01], "kernel_params": [0.0] * 3, "one_class": 1}, opset=1,
   name="one class")
for transform in ("NONE", "LOGISTIC", "SOFTMAX"):
    given = support | {"kernel_type": "RBF", "post_transform": transform}
    ml("SVMClassifier", [rows], given | pairs, opset=1, outputs=(True, True), name=transform)
    couple = given | {"coefficients": [0.5, -0.2, 0.3, -0.7],
                      "rho": [-0.1], "vectors_per_class": [2, 2], "classlabels_ints": [5, 7]}
    ml("SVMClassifier", [rows], couple, opset=1, outputs=(True, True), name=f"two classes, {transform}")
    ml("SVMClassifier", [rows], couple | {"prob_a": [-1.0], "prob_b": [0.1]}, opset=1, outputs=(True, True),
       name=f"two classes with probabilities, {transform}")
ml("SVMClassifier", [rows], {"coefficients": matrix["coefficients"], "rho": [0.1], "kernel_params": [0.0] * 3,
                             "classlabels_ints": [5, 7, 9]}, opset=1, outputs=(True, True), name="linear")

# Functions of features.
table = np.array([[1, -2, 0.5], [-3, -0.5, -1], [0, 0, 0], [2.5, 1, 7]], F)
for kind in (F, D, np.int32, np.int64):
    typed = table.astype(kind)
    ml("Scaler", [typed], {"offset": [1.0, 2.0, 3.0], "scale": [2.0, 2.0, 0.5]}, opset=1)
    for norm in ("MAX", "L1", "L2"):
        ml("Normalizer", [typed], {"norm": norm}, opset=1, name=f"{norm} {np.dtype(kind).name}")
    # Of equal categories the last one counts.
    hot = (typed.astype(np.int64)[..., None] == np.array([0, 1, -1, 7, 0])) & np.array([False, True, True, True, True])
    ml("OneHotEncoder", [typed], {"cats_int64s": [0, 1, -1, 7, 0]}, opset=1, expected=[hot.astype(F)])
    ml("ArrayFeatureExtractor", [typed, np.array([2, 0])], opset=1)
    ml("FeatureVectorizer", [typed, typed[:, :2]], {"inputdimensions": [3, 2]}, opset=1)
ml("Scaler", [table], {"offset": [1.0], "scale": [2.0]}, opset=1, name="one number")
ml("Normalizer", [table[0]], {"norm": "L2"}, opset=1, name="one row")
ml("Binarizer", [table], {"threshold": -0.5}, opset=1)
for kind in (D, np.int32, np.int64):
    ml("Binarizer", [table.astype(kind)], {"threshold": -0.5}, opset=1, expected=[(table.astype(kind) > -0.5).astype(kind)])
ml("Imputer", [table], {"imputed_value_floats": [9.0], "replaced_value_float": 0.0}, opset=1)
ml("Imputer", [np.where(table == 0, np.nan, table).astype(F)],
   {"imputed_value_floats": [7.0, 8.0, 9.0], "replaced_value_float": float("nan")}, opset=1, name="NaN")
ml("Imputer", [table.astype(np.int64)], {"imputed_value_int64s": [9], "replaced_value_int64": -3}, opset=1)
for kind, values in ((D, {"imputed_value_floats": [9.0]}), (np.int32, {"imputed_value_int64s": [9]})):
    typed = table.astype(kind)
    ml("Imputer", [typed], values, opset=1, expected=[np.where(typed == 0, kind(9), typed)])
ml("OneHotEncoder", [np.array([0, 1, -1])], {"cats_int64s": [0, 1, -1], "zeros": 0}, opset=1, name="all known")
no("OneHotEncoder", [np.array([0, 2, -1])], {"cats_int64s": [0, 1, -1], "zeros": 0}, opset=1, name="an unknown category")
ml("ArrayFeatureExtractor", [table[0], np.array([[2, 0]])], opset=1, name="one row")
no("ArrayFeatureExtractor", [table, np.array([3])], opset=1, name="a feature that is not there")
ml("FeatureVectorizer", [table, table], {"inputdimensions": [4, 1]}, opset=1, name="cut and filled")
ml("FeatureVectorizer", [table[0], table[1]], {"inputdimensions": [3, 3]}, opset=1, name="single rows")

# Labels.
keys = np.array([1, 2, 3, -5, 1])
ml("LabelEncoder", [keys], {"keys_int64s": [3, 1, 2], "values_floats": [0.5, 0.25, 0.75]}, opset=2)
ml("LabelEncoder", [keys], {"keys_int64s": [3, 1, 2], "values_int64s": [5, 6, 7], "default_int64": 42}, opset=2, name="default")
ml("LabelEncoder", [keys], {"keys_int64s": [1, 2, 1], "values_floats": [0.5, 0.25, 0.75]}, opset=2,
   expected=[np.array([0.75, 0.25, -0.0, -0.0, 0.75], F)], name="the last of equal keys counts")
numbers = np.array([[1, np.nan], [-0.0, 0.1]], F)
ml("LabelEncoder", [numbers], {"keys_floats": [1.0, float("nan"), 0.0], "values_int64s": [5, 6, 7]}, opset=4,
   expected=[np.array([[5, 6], [7, -1]])], name="NaN and −0")
for kind in (D, np.int16, np.int32):
    for value in (D, np.int16, np.int64):
        ml("LabelEncoder", [keys.astype(kind)],
           {"keys_tensor": numpy_helper.from_array(np.array([3, 1], kind)),
            "values_tensor": numpy_helper.from_array(np.array([30, 10], value)),
            "default_tensor": numpy_helper.from_array(np.array([-4], value))}, opset=4,
           expected=[np.array([10, -4, 30, -4, 10], value)], name=f"{np.dtype(kind).name} to {np.dtype(value).name}")
no("LabelEncoder", [keys], {"keys_int64s": [1, 2], "values_int64s": [1]}, opset=2, name="fewer values than keys")


# Whole models. The answer of ZipMap is here the tensor that it is made of.
def without_maps(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    maps = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "ZipMap"}
    for output in model.graph.output:
        if output.name in maps:
            output.CopyFrom(helper.make_tensor_value_info(maps[output.name], TensorProto.FLOAT, None))
    for node in [node for node in model.graph.node if node.op_type == "ZipMap"]:
        model.graph.node.remove(node)
    return model


flowers = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5], [6.7, 3.3, 5.7, 2.1], [5.9, 3.0, 5.1, 1.8], [5.0, 2.3, 3.3, 1.0],
                    [6.3, 2.5, 4.9, 1.5], [4.4, 3.2, 1.3, 0.2]], F)
gaps = flowers.copy()
gaps[1::3, 1] = np.nan
for path in sorted(FOLDER.glob("*.onnx")):
    model = onnx.load(path)
    variants = [(flowers, path.stem)]
    if path.stem in ("lightgbm3", "xgboost3", "logistic3"):
        variants.append((gaps, f"{path.stem} with NaN"))
    if path.stem == "forest3":
        variants.append((flowers[:1], f"{path.stem}, one row"))
    for features, name in variants:
        feeds = {model.graph.input[0].name: features}
        close = {"tolerance": (1e-4, 1e-5)} if "sv" in path.stem or path.stem == "one-class" else {}
        case("model", feeds, model=model, expected=by_onnxruntime(without_maps(model), feeds), name=name, **close)
