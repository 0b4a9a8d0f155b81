#!/usr/bin/env python3
"""Exports small models of scikit-learn, LightGBM and XGBoost to Tests/Fixtures/ml, for scripts/operator_cases/ml.py.

    python3 -m venv .venv-ml
    .venv-ml/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0 onnxmltools==1.16.0 lightgbm==4.7.0 xgboost==3.2.0
    .venv-ml/bin/python scripts/export-ml-models.py
"""

import pathlib

import lightgbm
import numpy as np
import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, Normalizer, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, OneClassSVM
from skl2onnx import to_onnx

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "ml"
OPSETS = {"": 21, "ai.onnx.ml": 3}

X, y = load_iris(return_X_y=True)
X = X.astype(np.float32)
binary, target = (y == 2).astype(np.int64), X[:, 3] * X[:, 0]
holes = X.copy()
holes[::7, 1] = np.nan


def sklearn(name, model, labels, features=X, **options):
    model.fit(features, labels)
    save(name, to_onnx(model, features[:1], target_opset=OPSETS, options={id(model): options} if options else None))


def save(name, model):
    model.graph.doc_string = ""
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


def boosted(name, convert, model, labels, features=X):
    model.fit(features, labels)
    save(name, convert(model, initial_types=[("x", FloatTensorType([None, 4]))], target_opset=15))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    forest = dict(n_estimators=5, max_depth=4, random_state=0)
    sklearn("forest3", RandomForestClassifier(**forest), y)
    sklearn("forest2", RandomForestClassifier(**forest), binary)
    sklearn("boosting2", GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0), binary)
    sklearn("boosting3", GradientBoostingClassifier(n_estimators=3, max_depth=2, random_state=0), y)
    sklearn("boosting", GradientBoostingRegressor(n_estimators=6, max_depth=3, random_state=0), target)
    sklearn("logistic2", make_pipeline(StandardScaler(), LogisticRegression()), binary)
    sklearn("logistic3", make_pipeline(SimpleImputer(), Normalizer("l2"), LogisticRegression()), y, holes)
    sklearn("binarized", make_pipeline(Binarizer(threshold=2.5), LogisticRegression()), y)
    sklearn("svc3", SVC(probability=True, random_state=0), y, zipmap=False)
    sklearn("svc2", make_pipeline(StandardScaler(), SVC(kernel="poly", degree=2)), binary)
    sklearn("linear-svc", LinearSVC(), y)
    sklearn("svr", SVR(kernel="sigmoid", gamma=0.01), target)
    sklearn("one-class", OneClassSVM(nu=0.3), y)
    trees = dict(n_estimators=4, max_depth=3, num_leaves=6, min_child_samples=5, verbose=-1)
    light = onnxmltools.convert_lightgbm
    boosted("lightgbm2", light, lightgbm.LGBMClassifier(**trees), binary)
    boosted("lightgbm3", light, lightgbm.LGBMClassifier(**trees), y, holes)
    rounded = np.round(X)
    categories = lightgbm.LGBMRegressor(**trees)
    categories.set_params(categorical_feature=[0, 2])
    boosted("lightgbm", light, categories, target, rounded)
    small = dict(n_estimators=4, max_depth=3)
    boosted("xgboost2", onnxmltools.convert_xgboost, xgboost.XGBClassifier(**small), binary)
    boosted("xgboost3", onnxmltools.convert_xgboost, xgboost.XGBClassifier(**small), y, holes)
    boosted("xgboost", onnxmltools.convert_xgboost, xgboost.XGBRegressor(**small), target)
