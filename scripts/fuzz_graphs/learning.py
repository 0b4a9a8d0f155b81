"""Generators of the operators of `ai.onnx.ml`, with numbers as labels and features."""

import numpy as np
from onnx import numpy_helper

from .graph import Unsuitable
from .registry import generates

ML = "ai.onnx.ml"
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]


def features(g, op, width=None):
    shape = (g.draw.choice([1, 2, 5]), width or g.draw.choice([1, 3, 4]))
    return g.tensor([one for one in g.types(op, domain=ML) if one.kind in ("f" if op.startswith(("SVM", "Tree")) else "fi")
                     and (one.itemsize == 4 or not op.startswith("SVM"))], shape=shape)


def reals(g, *shape):
    return [float(each) for each in g.draw.array(np.float32, (int(np.prod(shape)),), -1, 1)]


@generates("Binarizer", "Normalizer", "Scaler", "Imputer", domain=ML)
def element(g, op):
    a = features(g, op)
    width = g.shape(a)[-1]
    if op == "Binarizer":
        if g.type(a).kind != "f":
            raise Unsuitable
        return g.node(op, [a], domain=ML, threshold=g.draw.choice([None, 0.5]))
    if op == "Normalizer":
        return g.node(op, [a], domain=ML, norm=g.draw.choice([None, "MAX", "L1", "L2"]))
    if op == "Scaler":
        return g.node(op, [a], domain=ML, offset=reals(g, width), scale=reals(g, g.draw.choice([width])))
    if g.type(a).kind == "i":
        return g.node(op, [a], domain=ML, imputed_value_int64s=[5], replaced_value_int64=2)
    return g.node(op, [a], domain=ML, imputed_value_floats=reals(g, width), replaced_value_float=g.draw.choice([0.5, float("nan")]))


@generates("FeatureVectorizer", domain=ML)
def vectorizer(g, op):
    a, rows = features(g, op), None
    rows = g.shape(a)[0]
    b = g.like(a, (rows, 2))
    g.node(op, [a, b], domain=ML, inputdimensions=[g.shape(a)[1], 2])


@generates("LabelEncoder", domain=ML)
def labels(g, op):
    if g.opsets[ML] < 2:
        raise Unsuitable
    a = g.new(np.int64, g.draw.shape(1, 2, 20), 0, 4)
    if g.draw.chance(0.5):
        return g.node(op, [a], domain=ML, keys_int64s=[0, 2, 3], values_floats=[0.5, 1.5, -2.0], default_float=g.draw.choice([None, 9.0]))
    return g.node(op, [a], domain=ML, keys_int64s=[0, 2, 3], values_int64s=[7, 8, 9], default_int64=g.draw.choice([None, 4]))


@generates("OneHotEncoder", domain=ML)
def encoder(g, op):
    a = g.new(g.draw.choice([np.int64, np.float32]), g.draw.shape(1, 2, 20), 0, 2)
    if g.type(a).kind == "f":
        a = g.node("Floor", [a])
    g.node(op, [a], domain=ML, cats_int64s=[0, 1, 2], zeros=1)


@generates("LinearRegressor", domain=ML)
def regressor(g, op):
    a, targets = features(g, op), g.draw.choice([1, 2])
    g.node(op, [a], domain=ML, coefficients=reals(g, targets, g.shape(a)[1]), intercepts=reals(g, targets), targets=targets,
           post_transform=g.draw.choice([None, "NONE"]))


@generates("LinearClassifier", domain=ML)
def classifier(g, op):
    a, classes = features(g, op), g.draw.choice([2, 3])
    g.node(op, [a], 2, domain=ML, coefficients=reals(g, classes, g.shape(a)[1]), intercepts=reals(g, classes), classlabels_ints=list(range(classes)),
           post_transform=g.draw.choice(TRANSFORMS))


@generates("SVMRegressor", domain=ML)
def support(g, op):
    a, count = features(g, op), g.draw.choice([1, 3])
    g.node(op, [a], domain=ML, coefficients=reals(g, count), support_vectors=reals(g, count, g.shape(a)[1]), n_supports=count, rho=[0.25],
           kernel_type=g.draw.choice(["LINEAR", "RBF", "POLY", "SIGMOID"]), kernel_params=[0.5, 0.25, 2.0])


@generates("SVMClassifier", domain=ML)
def support_classes(g, op):
    a = features(g, op)
    g.node(op, [a], 2, domain=ML, coefficients=reals(g, 4), support_vectors=reals(g, 4, g.shape(a)[1]), vectors_per_class=[2, 2], rho=[0.25],
           classlabels_ints=[0, 1], kernel_type=g.draw.choice(["LINEAR", "RBF"]), kernel_params=[0.5, 0.25, 2.0])


def tree(g, width):
    """Two trees with three nodes and five: the lists of attributes."""
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    mode = [g.draw.choice(modes) for _ in range(3)]
    trees = [0, 0, 0, 1, 1, 1, 1, 1]
    return dict(
        nodes_treeids=trees, nodes_nodeids=[0, 1, 2, 0, 1, 2, 3, 4], nodes_featureids=[g.draw.randrange(width) for _ in trees],
        nodes_modes=[mode[0], "LEAF", "LEAF", mode[1], mode[2], "LEAF", "LEAF", "LEAF"], nodes_values=[round(g.draw.uniform(-1, 1) * 2) / 2 for _ in trees],
        nodes_truenodeids=[1, 0, 0, 1, 3, 0, 0, 0], nodes_falsenodeids=[2, 0, 0, 2, 4, 0, 0, 0], nodes_missing_value_tracks_true=[g.draw.randrange(2) for _ in trees])


LEAVES = [(0, 1), (0, 2), (1, 2), (1, 3), (1, 4)]


@generates("TreeEnsembleRegressor", domain=ML)
def forest(g, op):
    a = features(g, op)
    g.node(op, [a], domain=ML, n_targets=1, target_treeids=[tree for tree, _ in LEAVES], target_nodeids=[node for _, node in LEAVES], target_ids=[0] * 5,
           target_weights=reals(g, 5), aggregate_function=g.draw.choice([None, "SUM", "AVERAGE", "MIN", "MAX"]), base_values=g.draw.choice([None, [0.5]]),
           **tree(g, g.shape(a)[1]))


@generates("TreeEnsembleClassifier", domain=ML)
def forest_classes(g, op):
    a = features(g, op)
    g.node(op, [a], 2, domain=ML, class_treeids=[tree for tree, _ in LEAVES], class_nodeids=[node for _, node in LEAVES],
           class_ids=[g.draw.randrange(3) for _ in LEAVES], class_weights=reals(g, 5), classlabels_int64s=[0, 1, 2],
           post_transform=g.draw.choice(TRANSFORMS), **tree(g, g.shape(a)[1]))


@generates("TreeEnsemble", domain=ML)
def ensemble(g, op):
    g.opsets[ML] = 5
    a = g.tensor([np.dtype(np.float32), np.dtype(np.float64)], shape=(g.draw.choice([1, 3]), 3))
    dtype = g.type(a)
    g.node(op, [a], domain=ML, aggregate_function=1, post_transform=0, n_targets=1, tree_roots=[0], nodes_featureids=[0, 2],
           nodes_modes=numpy_helper.from_array(np.array([g.draw.randrange(6), g.draw.randrange(6)], np.uint8)),
           nodes_splits=numpy_helper.from_array(np.array([0.5, -0.5], dtype)), nodes_truenodeids=[1, 0], nodes_trueleafs=[0, 1], nodes_falsenodeids=[2, 1],
           nodes_falseleafs=[1, 1], leaf_targetids=[0, 0, 0], leaf_weights=numpy_helper.from_array(np.array(reals(g, 3), dtype)))
