"""Readers beside an owner get what they would get from the file, and callers can't tell."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.flight as fl
import pytest
from asked_home import AskedHome, asked_home

from nbflow.codec import decode
from nbflow.errors import HomeError, HomeHeld, NbflowError, OptionError, SqlError, XComError
from nbflow.model.run import TaskKey
from nbflow.store import ways as kept_ways
from nbflow.store.address import Address, announce, announced
from nbflow.store.home import HomeLock
from nbflow.store.people import Question
from nbflow.store.reading import reading_xcoms
from nbflow.store.reading_file import FileSource
from nbflow.store.reading_flight import FlightSource
from nbflow.store.serve import read_remote, serving
from nbflow.store.xcom import XComStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbflow.store.reading import HomeReader
    from nbflow.store.serve import Remote, Server
    from nbflow.store.source import XComReader
    from nbflow.store.ways import Way

TLS = Path(__file__).parent / "tls"
ENDLESS = "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range + b.range = 3"

VALUES: dict[str, object] = {
    "number": 1.5,
    "text": "가나다 'x' \n",
    "dict": {"a": [1, None, {"b": 2.5}]},
    "frame": pa.table({"n": [3, 1, None], "s": ["a", None, "c"]}),
    "frame without rows": pa.table({"n": pa.array([], pa.int64())}),
    "frame of many rows": pa.table({"n": list(range(300_000))}),
    "frame as a file": pa.table({"n": pa.nulls(3)}),
    "pickle": {1, 2, 3},
    "pickle of several pieces": {bytes(range(256)) * 40_000},
}


@contextmanager
def owner(made: AskedHome, remote: Remote | None = None) -> Iterator[Server]:
    """An owner of the home in this process."""
    with ExitStack() as stack:
        lock = stack.enter_context(HomeLock(made.home))
        assert lock.acquire()
        yield stack.enter_context(serving(made.home, Path(mkdtemp(prefix="nbflow-")), remote))


def table(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(batches, schema)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> AskedHome:
    made = asked_home(tmp_path_factory.mktemp("filled"))
    with XComStore.open(made.home.root) as store:
        for key, value in VALUES.items():
            made.hand_on(store, value, task=f"hands {key}", key=key)
        for day in (1, 2, 3):
            made.hand_on(store, day, day=day, key="day")
            made.hand_on(store, -day, day=day, task="other", key="day")
    made.add_runs(1, 2, 3)
    return made


@pytest.fixture(scope="module", params=["file", "owner"])
def reader(request: pytest.FixtureRequest, filled: AskedHome) -> Iterator[Any]:
    """A reader of the home, by the file or through an owner."""
    way = {"file": FileSource, "owner": FlightSource}[request.param]
    with ExitStack() as stack:
        if request.param == "owner":
            stack.enter_context(owner(filled))
        reader = stack.enter_context(reading_xcoms(filled.home))
        reader.tables()
        assert isinstance(reader._way.source, way)
        yield reader


@pytest.fixture
def small(tmp_path: Path) -> AskedHome:
    """A home with one value, that nobody owns."""
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        made.hand_on(store, 1, key="x")
    return made


@pytest.mark.parametrize("key", VALUES)
def test_every_value_comes_as_it_was_stored(
    reader: XComReader, filled: AskedHome, key: str, tmp_path: Path
) -> None:
    found = reader.get(TaskKey(filled.run_key(1), f"hands {key}"), key, folder=tmp_path)
    assert found is not None
    assert found.key == key
    assert decode(found, namespace={}) == VALUES[key]
    assert list(tmp_path.iterdir()) == ([found.path] if found.path else [])


def test_a_value_that_is_not_there_is_none(reader: XComReader, filled: AskedHome, tmp_path: Path) -> None:
    task = TaskKey(filled.run_key(1), "clean")
    assert reader.get(task, "nope", folder=tmp_path) is None
    assert reader.get(task, "day", try_number=2, folder=tmp_path) is None
    assert reader.get(task, "day", try_number=1, folder=tmp_path) is not None


def test_values_of_several_tasks_are_pulled_in_their_order(
    reader: XComReader, filled: AskedHome, tmp_path: Path
) -> None:
    run = filled.run_key(2).run_id
    found = reader.pull("flights", run, ["other", "clean"], "day", folder=tmp_path)
    assert [(key.task_id, decode(value, namespace={})) for key, value in found] == [
        ("other", -2),
        ("clean", 2),
    ]
    later = filled.run_key(9).run_id
    prior = reader.pull("flights", later, ["clean"], "day", include_prior_dates=True, folder=tmp_path)
    assert [decode(value, namespace={}) for _, value in prior] == [3]
    assert reader.pull("flights", run, None, "day", map_indexes=[4], folder=tmp_path) == []


def test_listings_are_the_same_whichever_way(reader: XComReader, filled: AskedHome) -> None:
    found = reader.list_values("flights", filled.run_key(2).run_id)
    assert [(stored.task.task_id, stored.key, stored.ds) for stored in found] == [
        ("clean", "day", "2026-01-02"),
        ("other", "day", "2026-01-02"),
    ]
    assert found[0].created.isoformat() == "2026-11-20T03:30:00+00:00"
    assert len(reader.list_values("flights", key="day")) == 6


def test_sql_reads_xcoms_runs_and_task_instances_together(reader: Any) -> None:
    found = reader.ask(
        Question(
            sql="SELECT d.ds, value::INT n, r.state, i.seconds FROM xcom.flights.clean__day d "
            "JOIN runs r USING (run_id, ds) JOIN task_instances i USING (run_id, ds) ORDER BY ds"
        ),
        table,
    )
    assert found.to_pylist() == [
        {"ds": f"2026-01-0{day}", "n": day, "state": "success", "seconds": 60.0} for day in (1, 2, 3)
    ]


def test_types_of_sql_s_own_survive(reader: Any) -> None:
    sql = (
        "SELECT 'b'::ENUM('a', 'b') e, [1, NULL] l, {'a': ['b'::ENUM('b')]} s, now() t, 1::HUGEINT h, NULL n"
    )
    found = reader.ask(Question(sql=sql), table)
    assert [str(field.type) for field in found.schema] == [
        "string",
        "list<l: int32>",
        "struct<a: list<l: string>>",
        "timestamp[us, tz=UTC]",
        "decimal128(38, 0)",
        "null",
    ]
    assert found.column("s").to_pylist() == [{"a": ["b"]}]


def test_an_answer_that_breaks_off_every_time_is_an_error(
    small: AskedHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(fl.GeneratorStream):
        def __init__(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
            list(batches)
            super().__init__(schema, iter([pa.record_batch({"another": [1]})]))

    monkeypatch.setattr("nbflow.store.serve_flight.fl.GeneratorStream", Broken)
    with (
        owner(small),
        reading_xcoms(small.home) as reader,
        pytest.raises(HomeError, match="broke off its answer every time it was asked"),
    ):
        reader.list_values("flights")


def test_errors_keep_their_kind_and_their_words(reader: Any) -> None:
    with pytest.raises(SqlError, match="DROP is refused: here people only read"):
        reader.ask(Question(sql="DROP TABLE x"), table)
    with pytest.raises(SqlError, match=r"nope does not exist!(.|\n)*There are: xcom\.flights\.clean__day, "):
        reader.ask(Question(sql="FROM nope"), table)
    with pytest.raises(SqlError, match="late"):
        reader.ask(Question(sql="SELECT error('late') FROM range(500000) t(i) WHERE i > 400000"), table)
    with pytest.raises(SqlError, match=r"stopped after 0\.2 s"):
        reader.ask(Question(sql=ENDLESS, timeout=0.2), table)
    assert reader.ask(Question(sql="SELECT 1 n"), table).to_pylist() == [{"n": 1}]


def test_a_pickle_that_was_changed_is_refused_by_the_owner_too(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        task = made.hand_on(store, {1}, key="x")
        store._connection.execute("UPDATE nbflow.value SET signature = 'no'::BLOB")
    out = tmp_path / "out"
    out.mkdir()
    with owner(made), reading_xcoms(made.home) as reader:
        with pytest.raises(XComError, match="does not fit its signature"):
            reader.get(task, "x", folder=out)
        assert list(out.iterdir()) == []
        assert [entry.name for entry in (made.home.root / "pulls").rglob("*") if entry.is_file()] == []


def test_rows_that_nobody_takes_stop_the_query(reader: Any) -> None:
    sql = "SELECT i, repeat('x', 100) s FROM range(1000000000) t(i)"
    assert reader.ask(Question(sql=sql), lambda _, batches: next(batches).num_rows) > 0
    assert reader.ask(Question(sql="SELECT 1 n"), table).num_rows == 1


def test_an_interrupt_stops_the_query(reader: Any) -> None:
    def interrupted(_schema: pa.Schema, _batches: Iterator[pa.RecordBatch]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reader.ask(Question(sql="FROM range(1000000000)"), interrupted)
    assert reader.ask(Question(sql="SELECT 1 n"), table).num_rows == 1


def test_a_reader_goes_on_when_owners_come_and_go(small: AskedHome) -> None:
    ways: list[str] = []
    with reading_xcoms(small.home) as reader:
        for _ in range(2):
            # The open file gives way: a reader that holds it doesn't ask at the same time.
            reader._leave()
            with owner(small):
                assert len(reader.list_values("flights")) == 1
                ways.append(type(reader._way.source).__name__)
            assert len(reader.list_values("flights")) == 1
            ways.append(type(reader._way.source).__name__)
    assert ways == ["FlightSource", "FileSource"] * 2


def test_a_long_query_gives_the_file_to_an_owner_and_is_asked_again_there(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    XComStore.open(made.home.root).close()
    ways: list[str] = []
    begun, come = threading.Event(), threading.Event()

    def rows(_schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        ways.append(type(reader._way.source).__name__)
        count = next(batches).num_rows
        begun.set()
        if len(ways) == 1:
            come.wait()
            return sum(batch.num_rows for batch in batches)  # more than will ever come
        return count

    def ask() -> None:
        found.append(reader.ask(Question(sql="SELECT i FROM range(100000000000) t(i)"), rows))

    found: list[int] = []
    with reading_xcoms(made.home) as reader:
        asking = threading.Thread(target=ask)
        asking.start()
        assert begun.wait(30)
        come.set()
        with owner(made):
            asking.join()
    assert ways == ["FileSource", "FlightSource"]
    assert found[0] > 0


def way_of(reader: HomeReader) -> Way:
    assert reader.list_values("flights")
    assert reader._way is not None
    return reader._way


def test_the_next_reader_goes_the_way_of_the_last_to_the_same_owner(small: AskedHome) -> None:
    with owner(small):
        with reading_xcoms(small.home) as first, reading_xcoms(small.home) as second:
            used = [way_of(first), way_of(second)]
            assert used[0] is not used[1], "two at once have one each"
        for _ in range(3):
            with reading_xcoms(small.home) as reader:
                assert way_of(reader) in used
        with suppress(KeyboardInterrupt), reading_xcoms(small.home) as reader:
            broken = way_of(reader)
            raise KeyboardInterrupt
        with reading_xcoms(small.home) as reader:
            assert way_of(reader) in used
            assert way_of(reader) is not broken
    with reading_xcoms(small.home) as reader:
        assert way_of(reader).address is None
    with owner(small), reading_xcoms(small.home) as reader:
        assert way_of(reader) not in used
    assert not any(address.folder == used[0].address.folder for _, address in kept_ways._kept)  # type: ignore[union-attr]


@pytest.fixture
def turn() -> Iterator[float]:
    """The time that Python leaves a busy thread, in seconds, until somebody changes it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.25)
    yield 0.25
    sys.setswitchinterval(before)


def test_busy_threads_make_way_for_readers_while_there_are_any(small: AskedHome, turn: float) -> None:
    with owner(small):
        assert sys.getswitchinterval() == turn
        with reading_xcoms(small.home) as reader:
            way_of(reader)
        assert sys.getswitchinterval() < turn
    assert sys.getswitchinterval() == turn


HOLD = """
import sys
from pathlib import Path
from tempfile import mkdtemp
from nbflow.store.home import Home, HomeLock
from nbflow.store.serve import serving
home = Home(Path(sys.argv[1]), Path(sys.argv[1]).parent)
with HomeLock(home) as lock:
    assert lock.acquire()
    with serving(home, Path(mkdtemp(prefix="nbflow-"))):
        print("open", "pyarrow" in sys.modules, flush=True)
        sys.stdin.read()
"""


def test_an_owner_that_was_killed_blocks_nobody_and_leaves_no_sockets(small: AskedHome) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(small.home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder, reading_xcoms(small.home) as reader:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open False\n", "Flight is started for readers only"
        with reading_xcoms(small.home) as early:
            assert early.list_values("flights")  # its way is kept, and leads nowhere soon
        assert len(reader.list_values("flights")) == 1
        assert isinstance(reader._way.source, FlightSource)
        holder.kill()
        holder.wait()
        assert len(reader.list_values("flights")) == 1
        assert isinstance(reader._way.source, FileSource)
    left = announced(small.home.root)
    assert left is not None
    assert Path(left.folder).is_dir()
    with owner(small):
        assert not Path(left.folder).exists()
        assert announced(small.home.root) != left
    assert announced(small.home.root) is None


def test_a_file_that_something_else_has_open_is_said_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.store.reading._SHORT_PATIENCE", 0.1)
    made = asked_home(tmp_path)
    with (
        XComStore.open(made.home.root),
        reading_xcoms(made.home) as reader,
        pytest.raises(HomeHeld, match=r"xcom\.duckdb is held by another process"),
    ):
        reader.list_values("flights")


def test_an_owner_waits_for_readers_and_names_what_does_not_end(
    small: AskedHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading_xcoms(small.home) as reader:
        assert reader.tables()
        threading.Timer(0.2, reader._leave).start()
        with owner(small):
            pass
        monkeypatch.setattr("nbflow.store.serve._READERS", 0.1)
        assert reader.tables()
        with pytest.raises(HomeHeld, match="is held by"), owner(small):
            pass
    assert announced(small.home.root) is None


def test_a_small_value_never_becomes_a_file_of_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = asked_home(tmp_path)
    with XComStore.open(made.home.root) as store:
        for key, value in VALUES.items():
            made.hand_on(store, value, task=key, key="x")
    run = made.run_key(1)
    folder = tmp_path / "got"
    with owner(made) as server, reading_xcoms(made.home) as reader:
        reader.tables()
        for flight in server._servers:
            monkeypatch.setattr(flight, "_folder", None)
        for key in ("frame", "frame without rows", "frame as a file", "pickle"):
            found = reader.get(TaskKey(run, key), "x", folder=folder)
            assert found is not None
            assert decode(found, namespace={}) == VALUES[key]
        with pytest.raises(NbflowError, match="not callable"):
            reader.get(TaskKey(run, "pickle of several pieces"), "x", folder=folder)


def test_sockets_and_files_are_the_user_s_own(small: AskedHome) -> None:
    with owner(small), reading_xcoms(small.home) as reader:
        reader.tables()
        address = announced(small.home.root)
        assert address is not None
        own = [address.door, address.flight, small.home.root / "serving.json", small.home.root / "token"]
        assert [stat.S_IMODE(path.stat().st_mode) for path in own] == [0o600] * 4
        assert stat.S_IMODE(Path(address.folder).stat().st_mode) == 0o700
        assert len(os.fsencode(address.flight)) <= 103


def test_without_the_home_s_token_nothing_is_told(small: AskedHome) -> None:
    with owner(small), reading_xcoms(small.home) as reader:
        reader.tables()
        address = announced(small.home.root)
        assert address is not None
        with fl.connect(f"grpc+unix://{address.flight}") as client:
            for headers in ([], [(b"authorization", b"Bearer wrong")]):
                options = fl.FlightCallOptions(headers=headers)
                with pytest.raises(fl.FlightUnauthenticatedError, match="file `token`"):
                    client.do_get(fl.Ticket(b'{"tables": {}}'), options)
                with pytest.raises(fl.FlightUnauthenticatedError):
                    list(client.do_action(fl.Action("stop", b"x"), options))


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    with owner(made):
        pass
    (made.home.root / "token").chmod(0o644)
    with pytest.raises(HomeError, match=r"can be read by other users.*chmod 600"), owner(made):
        pass
    assert announced(made.home.root) is None


def test_a_question_of_another_nbflow_is_said_to_be_one(small: AskedHome) -> None:
    with owner(small), reading_xcoms(small.home) as reader:
        reader.tables()
        said = "of another nbflow, and knows no question like this: dream"
        with pytest.raises(NbflowError, match=said), reader._way.source._asked({"dream": {}}):  # type: ignore[union-attr]
            pass


def test_beyond_the_machine_only_with_tls_and_token(small: AskedHome) -> None:
    remote = read_remote(small.home, "localhost:0", TLS / "certificate.pem", TLS / "key.pem")
    with owner(small, remote) as server:
        location = f"grpc+tls://localhost:{server.remote_port}"
        token = (small.home.root / "token").read_text().strip()
        root = (TLS / "certificate.pem").read_bytes()
        ticket = fl.Ticket(
            json.dumps({"sql": {"sql": "SELECT count(*) n FROM xcom.flights.clean__x"}}).encode()
        )
        with fl.connect(location, tls_root_certs=root) as client:
            options = fl.FlightCallOptions(headers=[(b"authorization", f"Bearer {token}".encode())])
            assert client.do_get(ticket, options).read_all().to_pylist() == [{"n": 1}]
            with pytest.raises(fl.FlightUnauthenticatedError):
                client.do_get(ticket)
        with (
            fl.connect(f"grpc+tcp://localhost:{server.remote_port}") as client,
            pytest.raises(fl.FlightError),
        ):
            client.do_get(ticket, options)


REFUSED: dict[str, tuple[str, Path | None, Path | None, str]] = {
    "no certificate": (
        "0.0.0.0:8815",
        None,
        TLS / "key.pem",
        r"needs TLS: give --tls-cert FILE and --tls-key FILE",
    ),
    "no key": ("0.0.0.0:8815", TLS / "certificate.pem", None, "needs TLS"),
    "no port": ("localhost", TLS / "certificate.pem", TLS / "key.pem", "--serve takes HOST:PORT"),
    "no file": ("localhost:1", TLS / "nope.pem", TLS / "key.pem", r"--tls-cert .*nope\.pem: No such file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_open_door_to_the_network_is_refused(small: AskedHome, name: str) -> None:
    address, certificate, key, said = REFUSED[name]
    with pytest.raises(OptionError, match=said):
        read_remote(small.home, address, certificate, key)


def test_a_certificate_that_is_none_is_said_when_it_begins(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    remote = read_remote(made.home, "localhost:0", Path(__file__), Path(__file__))
    with (
        pytest.raises(NbflowError, match=r"grpc\+tls://localhost:0 can't be listened on"),
        owner(made, remote),
    ):
        pass
    assert announced(made.home.root) is None


def test_a_leftover_address_of_somebody_else_s_folder_is_left_alone(tmp_path: Path) -> None:
    made = asked_home(tmp_path)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").write_text("x")
    announce(made.home.root, Address(folder=str(mine), pid=1))
    with owner(made):
        assert (mine / "precious").exists()


def test_waiting_readers_of_a_session_that_ends_get_their_answer(small: AskedHome) -> None:
    found: list[int] = []
    begun, ended = threading.Event(), threading.Event()

    def read() -> None:
        with reading_xcoms(small.home) as reader:
            while not ended.is_set() or len(found) < 20:
                found.append(len(reader.list_values("flights")))
                begun.set()

    with owner(small):
        readers = [threading.Thread(target=read) for _ in range(3)]
        for one in readers:
            one.start()
        begun.wait()
    ended.set()
    for one in readers:
        one.join()
    assert set(found) == {1}
