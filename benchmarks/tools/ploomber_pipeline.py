"""Ploomber: a pipeline of notebooks, one a task, values passed as product files; each gets a kernel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from memory import further_task
from notebook import write
from ploomber.executors import Parallel, Serial
from ploomber.spec import DAGSpec
from session import Sample, Session, command, found, main, serve, timed, warm
from work import HOLDERS, LENGTH, STEPS, Step, dates, hold, write_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# Of the many-dates work: Ploomber makes one pipeline after another, so the rate of a few dates is that of many.
FEW_DATES = 4
PRODUCT = "{{nb: 'out/{{{{ds}}}}/{name}.ipynb', data: 'out/{{{{ds}}}}/{name}.txt'}}"
READ = "{gives} = int(Path(upstream['{name}']['data']).read_text())"


def write_pipeline(folder: Path, steps: Sequence[Step], executor: str = "serial") -> None:
    """`pipeline.yaml`, `env.yaml` and a notebook a task, as a user of Ploomber writes them."""
    given_by = {step.gives: step.name for step in steps}
    lines = ["meta: {extract_upstream: True}", f"executor: {executor}", "tasks:"]
    for step in steps:
        needs = [given_by[name] for name in step.takes]
        reads = [READ.format(gives=name, name=given_by[name]) for name in step.takes]
        cells = [
            f"upstream = {needs or None}\nproduct = None\nds = ''",
            "\n".join(["from pathlib import Path", *reads]),
            step.code,
            f"Path(product['data']).write_text(str({step.gives}));",
        ]
        if step is steps[-1] and step.gives != "none":
            cells.append(write_result(step))
        write(folder / f"{step.name}.ipynb", cells, parameters=True)
        product = PRODUCT.format(name=step.name)
        lines += [f"- source: {step.name}.ipynb", f"  name: {step.name}"]
        lines += ["  params: {ds: '{{ds}}'}", f"  product: {product}"]
    (folder / "pipeline.yaml").write_text("\n".join(lines) + "\n")
    (folder / "env.yaml").write_text("ds: 'none'\n")


def build(day: str, executor: Parallel | Serial) -> None:
    """One run of the pipeline in the working folder."""
    made = DAGSpec("pipeline.yaml", env={"ds": day}).to_dag()
    made.executor = executor
    made.build()


def play(session: Session) -> None:
    """Do the session's works."""

    def chain(folder: Path, count: int) -> Iterator[Sample]:
        write_pipeline(folder, STEPS["chain"])
        yield from warm(folder, dates(count + 1), lambda day: build(day, Serial()))

    def fan(folder: Path, count: int) -> Iterator[Sample]:
        write_pipeline(folder, STEPS["fan"])
        at_once = session.at_once
        yield from warm(folder, dates(count + 1), lambda day: build(day, Parallel(processes=at_once)))

    def backfill(folder: Path, _: int) -> Iterator[Sample]:
        write_pipeline(folder, STEPS["chain"])
        build("warm-up", Serial())
        days = dates(FEW_DATES)
        took = timed(lambda: [build(day, Serial()) for day in days])
        yield Sample(measured=took, results=found(folder, days), tasks=FEW_DATES * LENGTH)

    def cold(name: str, executor: str) -> Callable[[Path, int], Iterator[Sample]]:
        def measure(folder: Path, count: int) -> Iterator[Sample]:
            write_pipeline(folder, STEPS[name], executor)
            for day in dates(count):
                took = command(folder, ["ploomber", "build", "--env--ds", day])
                yield Sample(measured=took, results=found(folder, [day]))

        return measure

    def memory(folder: Path, _: int) -> Iterator[Sample]:
        with ThreadPoolExecutor(1) as pool:

            def start(place: Path, count: int) -> Callable[[], None]:
                os.chdir(place)
                steps = [
                    Step(name=f"hold{i}", takes=(), code=f"{hold(i)}\nnone = {i}", gives="none")
                    for i in range(count)
                ]
                write_pipeline(place, steps)
                begun = pool.submit(build, "x", Parallel(processes=HOLDERS))
                return begun.result

            yield Sample(measured=further_task(folder, start))

    works = {"chain": chain, "fan": fan, "dates": backfill, "memory": memory}
    works |= {"cold": cold("one", "serial"), "cold-chain": cold("chain", "serial")}
    works |= {"cold-fan": cold("fan", "parallel")}
    serve(session, works)


if __name__ == "__main__":
    main(play)
