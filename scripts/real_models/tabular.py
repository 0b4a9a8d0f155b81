#!/usr/bin/env python3
"""Exports scikit-learn pipelines with category and text columns, and tree ensembles of LightGBM and XGBoost.

Runs in .venv-models: the converters are skl2onnx and onnxmltools.
"""

import hashlib
import pathlib

import lightgbm
import numpy as np
import xgboost
from onnx import helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as Features
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor, GradientBoostingClassifier, IsolationForest, RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

import folder

OPSETS = {"": 18, "ai.onnx.ml": 3}
random = np.random.default_rng(7)
COUNT, WIDTH = 400, 8
FEATURES = random.normal(size=(COUNT, WIDTH)).astype(np.float32)
VALUE = (FEATURES[:, 0] * FEATURES[:, 1] + np.sin(2 * FEATURES[:, 2]) + 0.1 * random.normal(size=COUNT)).astype(np.float32)
KIND = np.digitize(VALUE, [-0.6, 0.5]).astype(np.int64)
YES = (VALUE > 0).astype(np.int64)
CITIES = np.array(["Bern", "Oslo", "Zürich", "São Paulo", "東京"])[random.integers(0, 5, COUNT)]
TIERS = np.array(["gold", "silver", ""])[np.clip(KIND + random.integers(-1, 2, COUNT), 0, 2)]
AGES = random.integers(18, 90, (COUNT, 1)).astype(np.int64)
WORDS = "the a good bad film food was very not slow fast warm cold sauce plot actor waiter café naïve 10 great".split()
TEXTS = np.array([" ".join(random.choice(WORDS, random.integers(3, 14))) for _ in range(COUNT)])
MOOD = np.array([int(text.count("good") + text.count("great") > text.count("bad")) for text in TEXTS])
HOLES = FEATURES.copy()
HOLES[random.random(HOLES.shape) < 0.15] = np.nan
BATCHES = (slice(0, 1), slice(5, 38))


def save(name, family, model, columns, **facts):
    target = folder.begin(name)
    (target / "model.onnx").write_bytes(model.SerializeToString())
    folder.save_inputs(name, [{key: value[rows] for key, value in columns.items()} for rows in BATCHES])
    folder.describe(name, family=family, exporter="skl2onnx, onnxmltools", rule="f32", **facts)
    print(f"real-models: {name:28} {(target / 'model.onnx').stat().st_size / 1e6:.1f} MB", flush=True)


def numbers(name, model, target, features=FEATURES, **options):
    """A model over one matrix of numbers."""
    model.fit(features, target)
    save(name, "tabular", to_onnx(
        model, initial_types=[("x", FloatTensorType([None, WIDTH]))], target_opset=OPSETS,
        options={id(model): options} if options else None), {"x": features})


def mixed(name, head):
    """Columns of numbers, integers and categories, by name, as a pipeline over a data frame has them."""
    columns = {"numbers": FEATURES, "city": CITIES[:, None], "tier": TIERS[:, None], "age": AGES}
    table = np.concatenate([value.astype(object) for value in columns.values()], axis=1)
    model = make_pipeline(
        ColumnTransformer([
            ("scaled", StandardScaler(), list(range(WIDTH))),
            ("city", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [WIDTH]),
            ("tier", OrdinalEncoder(), [WIDTH + 1]), ("age", StandardScaler(), [WIDTH + 2])]), head)
    model.fit(table, KIND)
    types = [
        ("numbers", FloatTensorType([None, WIDTH])), ("city", StringTensorType([None, 1])),
        ("tier", StringTensorType([None, 1])), ("age", Int64TensorType([None, 1]))]
    save(name, "tabular", to_onnx(model, initial_types=types, target_opset=OPSETS, options={"zipmap": False}), columns, strings=True)


def texts(name, vectorizer, head, labels=MOOD):
    """A column of sentences."""
    model = make_pipeline(vectorizer, head)
    model.fit(TEXTS, labels)
    onnx = to_onnx(
        model, initial_types=[("text", StringTensorType([None, 1]))], target_opset=OPSETS, options={"zipmap": False})
    for node in onnx.graph.node:
        if node.op_type == "StringNormalizer":
            # onnxruntime refuses a model whose locale the machine lacks; every machine has this one.
            node.attribute.append(helper.make_attribute("locale", "C.UTF-8"))
    save(name, "tabular", onnx, {"text": TEXTS[:, None]}, strings=True)


def boosted(name, convert, model, target, features=FEATURES, **options):
    model.fit(features, target)
    onnx = convert(model, initial_types=[("x", Features([None, WIDTH]))], target_opset=15, **options)
    save(name, "trees", onnx, {"x": features})


def make():
    numbers("sk-logistic", make_pipeline(StandardScaler(), LogisticRegression()), KIND)
    numbers("sk-polynomial-ridge", make_pipeline(PolynomialFeatures(2), StandardScaler(), Ridge()), VALUE)
    numbers("sk-pca-svc", make_pipeline(StandardScaler(), PCA(5), SVC(probability=True, random_state=0)), KIND)
    numbers("sk-boosting", GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=0), KIND, zipmap=False)
    numbers("sk-forest", make_pipeline(SimpleImputer(), RandomForestClassifier(40, max_depth=8, random_state=0)), KIND, HOLES)
    numbers("sk-extra-trees", ExtraTreesRegressor(30, max_depth=8, random_state=0), VALUE)
    numbers("sk-isolation", IsolationForest(n_estimators=30, random_state=0), VALUE)
    numbers("sk-neighbours", KNeighborsRegressor(5, weights="distance"), VALUE)
    numbers("sk-kmeans", KMeans(4, n_init=3, random_state=0), VALUE)
    numbers("sk-bayes", GaussianNB(), KIND, zipmap=False)
    numbers("sk-perceptron", make_pipeline(StandardScaler(), MLPClassifier((32, 16), max_iter=80, random_state=0)), KIND)
    numbers("sk-process", GaussianProcessRegressor(alpha=0.1), VALUE)
    numbers("sk-bins", make_pipeline(KBinsDiscretizer(5, encode="onehot-dense"), LogisticRegression()), KIND)
    numbers("sk-vote", VotingClassifier(
        [("a", LogisticRegression()), ("b", GaussianNB())], voting="soft", flatten_transform=False), KIND, zipmap=False)
    mixed("sk-columns-logistic", LogisticRegression(max_iter=300))
    mixed("sk-columns-boosting", GradientBoostingClassifier(n_estimators=20, random_state=0))
    mixed("sk-columns-svc", SVC(probability=True, random_state=0))
    texts("sk-tfidf-logistic", TfidfVectorizer(token_pattern="[a-zA-Z0-9_]+"), LogisticRegression())
    texts("sk-count-bigrams-bayes", CountVectorizer(ngram_range=(1, 2), token_pattern="[a-zA-Z0-9_]+"), MultinomialNB())
    texts("sk-tfidf-labels", TfidfVectorizer(token_pattern="[a-zA-Z0-9_]+"), LogisticRegression(), np.array(["no", "yes"])[MOOD])

    trees = dict(n_estimators=30, num_leaves=15, verbose=-1, n_jobs=1, random_state=0)
    boosted("lightgbm-classes", convert_lightgbm, lightgbm.LGBMClassifier(**trees), KIND, HOLES, zipmap=False)
    boosted("lightgbm-maps", convert_lightgbm, lightgbm.LGBMClassifier(**trees), YES)
    boosted("lightgbm-regression", convert_lightgbm, lightgbm.LGBMRegressor(**trees), VALUE)
    small = dict(n_estimators=30, max_depth=5, n_jobs=1, random_state=0)
    boosted("xgboost-classes", convert_xgboost, xgboost.XGBClassifier(**small), KIND, HOLES)
    boosted("xgboost-regression", convert_xgboost, xgboost.XGBRegressor(**small), VALUE)
    boosted("xgboost-dart", convert_xgboost, xgboost.XGBRegressor(**small, objective="reg:logistic"), 1 / (1 + np.exp(-VALUE)))


def main():
    stamp = folder.REAL / ".exported-tabular.txt"
    made_from = hashlib.sha256(pathlib.Path(__file__).read_bytes() + pathlib.Path(folder.__file__).read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == made_from:
        print("real-models: the tabular exports are in .cache/real")
        return
    make()
    stamp.write_text(made_from)


main()
