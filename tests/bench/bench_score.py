"""How fast a day's entries are scored for everybody, beside other ways and the machine's limits.

    python tests/bench/bench_score.py [--width 256] [profiles ...]

100 invented entries × 1k, 10k, 100k and 1M invented profiles (64 columns and a dense row), or as
many as are asked for and memory holds. Every line stands for one way of doing it, measured in this
run on all cores: the median and the best of up to five runs, the best per profile, the memory it
took beyond its inputs, and the best as a multiple of the limit. The limit is a float32 product of
the dense rows alone, by the machine's BLAS: without looking at a word, picking anything, or writing
anything down. It is given at this shape and at the machine's best rate for any.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import invented
import numpy as np
from scipy.sparse import csr_array

from tasks.score import background, fit, score
from tasks.score.kernel import Edition, best
from tasks.score.recipe import compiled
from tasks.score.rows import Rows
from tasks.score.wishes import Columns

ENTRIES, MOST, HANDFUL = 100, 10, 5
STORED, EXPLAINED = 2000, 20  # papers to learn from and profiles, for what one costs
CORES = os.cpu_count() or 1
STATM = Path("/proc/self/statm")
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine does at best: float32 operations and bytes read, a second."""

    rate: float
    bandwidth: float

    @classmethod
    def measured(cls) -> Machine:
        """By a square product, and by a sum of squares over more than any cache holds."""
        square = np.random.default_rng(0).random((3072, 3072), np.float32)
        long = np.ones(1 << 27, np.float32)
        product = timed(lambda: square @ square)[0]
        reading = timed(lambda: np.dot(long, long))[0]
        return cls(2 * 3072**3 / min(product), long.nbytes / min(reading))


def timed(work: Work) -> tuple[list[float], float, int | None]:
    """Seconds of up to five runs (fewer if they take long), the least processor seconds of one, and
    bytes beyond those before."""
    work()
    runs: list[float] = []
    cpu = float("inf")
    with peak() as memory:
        while len(runs) < 2 or (len(runs) < 5 and sum(runs) < 6):
            start, used = time.perf_counter(), time.process_time()
            work()
            runs.append(time.perf_counter() - start)
            cpu = min(cpu, time.process_time() - used)
    return runs, cpu, memory()


@contextmanager
def peak() -> Iterator[Callable[[], int | None]]:
    """Watches the resident memory; where the system does not tell it, None."""
    if not STATM.exists():
        yield lambda: None
        return
    before, seen, over = resident(), [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.003):
            seen.append(resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: max(seen)
    finally:
        over.set()
        watcher.join()


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def marked(rows: Rows, edition: Edition, share: float) -> Rows:
    """`rows` with the threshold that `share` of all pairs reach."""
    every = rows.part(0, min(len(rows), 2000))
    lowest = np.full(len(every), -np.inf, np.float32)
    raw = best(replace(every, threshold=lowest), edition, ENTRIES, engine="scipy").raw
    return replace(rows, threshold=np.full(len(rows), np.quantile(raw, 1 - share), np.float32))


def product(rows: Rows, edition: Edition) -> Work:
    """The limit: all dense parts times the edition's, into a buffer that is used again."""
    step = min(len(rows), 1 << 14)
    right, room = edition.dense.T, np.empty((step, len(edition)), np.float32)

    def work() -> None:
        for start in range(0, len(rows), step):
            part = rows.dense[start : start + step]
            np.matmul(part, right, out=room[: len(part)])

    return work


def sparse_product(rows: Rows, edition: Edition) -> Work:
    """What scipy has for it: CSR · CSRᵀ in chunks, made dense, the best by argpartition."""
    step, right = 1 << 14, edition.sparse.T.tocsr()

    def work() -> None:
        for start in range(0, len(rows), step):
            part = rows.part(start, min(start + step, len(rows)))
            shape = (len(part), invented.VOCABULARY)
            left = csr_array((part.weights, part.columns, part.indptr), shape=shape)
            raw = -(left @ right).toarray()
            chosen = np.argpartition(raw, MOST, axis=1)[:, :MOST]
            np.take_along_axis(raw, chosen, axis=1).sort(axis=1)

    return work


def svm_seconds(stored: int) -> float | None:
    """arxiv-sanity-lite's way: for each reader one LinearSVC over all stored papers, its defaults."""
    if importlib.util.find_spec("sklearn") is None:
        return None
    from sklearn.svm import LinearSVC

    papers = invented.papers(stored, 0).sparse
    common = np.argsort(-np.bincount(papers.indices, minlength=papers.shape[1]), kind="stable")
    papers = papers[:, np.sort(common[:20_000])]
    papers.indices, papers.indptr = papers.indices.astype("i"), papers.indptr.astype("i")

    def reader(number: int) -> float:
        likes = np.random.default_rng(number).choice(stored, 10, replace=False)
        start = time.perf_counter()
        model = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
        raw = model.fit(papers, np.isin(np.arange(stored), likes)).decision_function(papers)
        np.argsort(-raw)
        return time.perf_counter() - start

    return float(np.median([reader(number) for number in range(3)]))


def ways(rows: Rows, edition: Edition) -> Iterator[tuple[str, Work]]:
    """Names and what to run; the limit comes first."""
    yield "float32 product alone (limit)", product(rows, edition)
    bare, words = without_dense(rows, edition)
    few, bare_few = marked(rows, edition, HANDFUL / ENTRIES), marked(bare, words, HANDFUL / ENTRIES)
    everybody = replace(rows, threshold=np.full(len(rows), -np.inf, np.float32))
    engines = {"scipy": 1}  # BLAS has threads of its own
    if importlib.util.find_spec("numba") is not None:
        engines = {"numba": CORES, "numba on one thread": 1} | engines
    for name, threads in engines.items():
        how = partial(best, most=MOST, threads=threads, engine=name.split()[0])
        yield f"{name}: about {HANDFUL} a profile", partial(how, few, edition)
        yield f"{name}: {MOST} for everybody", partial(how, everybody, edition)
        yield f"{name}: words alone, {HANDFUL}", partial(how, bare_few, words)
    yield "words alone, CSR · CSRᵀ, argpartition", sparse_product(bare, words)


def without_dense(rows: Rows, edition: Edition) -> tuple[Rows, Edition]:
    """Both with their words alone."""
    bare = replace(rows, dense=np.empty((len(rows), 0), np.float32))
    return bare, Edition(edition.sparse, np.empty((len(edition), 0), np.float32))


def table(rows: Rows, edition: Edition, machine: Machine) -> None:
    """Print a line for each way."""
    count = len(rows)
    size = rows.columns.nbytes + rows.weights.nbytes + rows.dense.nbytes
    ideal = 2 * rows.dense.size * len(edition) / machine.rate
    print(f"\n{len(edition)} entries × {count:,} profiles, {size / 1e6:,.0f} MB of them")
    print(f"{'':40}   median     best   µs each   CPU µs   + MB   × limit   × best rate")
    limit = 0.0
    for name, work in ways(rows, edition):
        runs, cpu, memory = timed(work)
        limit = limit or min(runs)
        used = "    –" if memory is None else f"{memory / 1e6:5.0f}"
        print(
            f"{name:40} {np.median(runs):7.4f}s {min(runs):7.4f}s {min(runs) / count * 1e6:9.2f}"
            f" {cpu / count * 1e6:8.2f}  {used} {min(runs) / limit:9.1f} {min(runs) / ideal:12.1f}",
            flush=True,
        )
    reading = size / machine.bandwidth
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    print(f"{'reading the profiles once (floor)':49} {reading:7.4f}s {reading / count * 1e6:9.2f}")
    print(f"the process held at most {largest / 1e6:,.0f} MB so far")


def before_and_after() -> None:
    """Print what a profile costs when it changes, and a pick when it is explained."""
    store = invented.texts(STORED)
    start = time.perf_counter()
    ground = background(fit(store))
    print(f"\nfitting {STORED:,} papers: {time.perf_counter() - start:.1f} s")
    for examples in (0, 10, 100):
        readers = invented.readers(EXPLAINED, store, examples)
        compiled(ground, readers[0], 0, Columns())
        start = time.perf_counter()
        for number, reader in enumerate(readers):
            compiled(ground, reader, number, Columns())
        each = (time.perf_counter() - start) / len(readers)
        print(f"a profile with {examples:3} examples becomes a row: {each * 1e3:7.2f} ms")
        scores = score(ground.model, store[:ENTRIES], readers)
        start = time.perf_counter()
        for reader in range(len(readers)):
            for paper in range(MOST):
                scores.score(paper, reader)
        each = (time.perf_counter() - start) / len(readers) / MOST
        print(f"a pick of it is explained:               {each * 1e3:7.2f} ms")


def fits(count: int, width: int) -> bool:
    """Whether profiles, hits and buffers find room in what memory is free."""
    needed = count * (invented.TERMS * 8 + width * 4 + 300) + (200 << 20)
    return needed < os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description="Speed of the scoring kernel.")
    parser.add_argument("profiles", type=int, nargs="*", default=[10**3, 10**4, 10**5, 10**6])
    parser.add_argument("--width", type=int, default=256, help="dense numbers a row")
    parser.add_argument("--stored", type=int, default=10_000, help="papers for the SVM")
    words = parser.parse_args()
    machine = Machine.measured()
    print(
        f"{CORES} cores; best float32 product {machine.rate / 1e9:.0f} GFLOP/s,"
        f" reading {machine.bandwidth / 1e9:.1f} GB/s"
    )
    edition = invented.papers(ENTRIES, words.width)
    for count in words.profiles:
        if fits(count, words.width):
            table(invented.profiles(count, words.width), edition, machine)
        else:
            print(f"\n{count:,} profiles are left out: they want more memory than is free")
    before_and_after()
    each = svm_seconds(words.stored)
    told = "scikit-learn is not installed" if each is None else f"{each * 1e6:,.0f} µs a profile"
    print(f"\na LinearSVC for each reader, over {words.stored:,} stored papers: {told}")


if __name__ == "__main__":
    main()
