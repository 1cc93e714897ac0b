// The board's data, one for all views of a widget, kept up to date by whoever brings news first.

const LAST = 60; // runs that a board comes with
const LOOK_AGAIN = 2000; // ms without news from the kernel after which the server is asked
const SELDOM = 10_000; // the same where nothing moves

class Store {
  constructor(model) {
    this.model = model;
    this.wire = new Wire(model);
    this.wire.gone = () => this.tell({ fields: ["kernel"] });
    this.layouts = new Map(); // by version and shut groups
    this.listeners = new Set(); // told of changes: {all, runs, newColumns, fields}
    this.tellSoon = atNextFrame(() => this.tellNow());
    this.heardAt = performance.now();
    this.patience = LOOK_AGAIN;
    this.reach = LAST; // runs that a person has scrolled back to
    this.take(model.get("data") ?? {});
    model.on("change:data", () => {
      this.take(model.get("data") ?? {});
      this.tell({ all: true });
      if (this.reach > this.data.runs.length && this.data.older) this.anew();
    });
    model.on("msg:custom", (message) => {
      if (!message?.updates) return;
      this.heardAt = performance.now();
      this.apply(message.updates);
    });
  }

  /** Have a whole board in place of the last. */
  take(data) {
    const { runs = [], squares = {}, flags = {}, ...rest } = data;
    // Copies of what news change: each view may be given a model of its own, all with the same data.
    this.data = { tasks: [], ghosts: [], ...rest, runs: [...runs], squares: { ...squares }, flags: { ...flags } };
    this.indexRuns();
  }

  indexRuns() {
    this.places = new Map(this.data.runs.map((run, place) => [run.run_id, place]));
    this.rowOf = new Map(this.data.tasks.map((task, row) => [task.id, row]));
  }

  run(runId) {
    return this.data.runs[this.places.get(runId)];
  }

  /** The letter of a task in a run. */
  letter(runId, row) {
    return this.data.squares[runId]?.[row] ?? NO_INSTANCE;
  }

  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Let the views know at the next frame: what comes before it is drawn at once. */
  tell({ all = false, runs = [], newColumns = false, fields = [] }) {
    this.untold ??= { all: false, runs: new Set(), newColumns: false, fields: new Set() };
    this.untold.all ||= all;
    this.untold.newColumns ||= newColumns;
    for (const run of runs) this.untold.runs.add(run);
    for (const field of fields) this.untold.fields.add(field);
    this.tellSoon();
  }

  tellNow() {
    const change = this.untold;
    this.untold = null;
    if (change) for (const listener of this.listeners) listener(change);
  }

  /** Take what has moved. News older than what is there is left alone: two ways may bring the same. */
  apply(news) {
    const data = this.data;
    if (news.mark !== undefined && data.mark !== undefined && news.mark < data.mark) return;
    if (this.outdated(news)) {
      this.anew();
      return;
    }
    const changed = new Set();
    let newColumns = false;
    for (const run of news.runs ?? []) {
      const place = this.places.get(run.run_id);
      changed.add(run.run_id);
      if (place === undefined) {
        data.runs.push(run);
        newColumns = true;
      } else {
        data.runs[place] = run;
      }
    }
    if (newColumns) {
      data.runs.sort((one, other) => Date.parse(one.date) - Date.parse(other.date));
      this.indexRuns();
    }
    for (const [runId, letters] of Object.entries(news.squares ?? {})) {
      data.squares[runId] = letters;
      changed.add(runId);
    }
    for (const [runId, flags] of Object.entries(news.flags ?? {})) {
      data.flags[runId] = flags;
      changed.add(runId);
    }
    const known = [
      "mark",
      "headline",
      "scheduler",
      "paused",
      "pause_reason",
      "changed",
      "published",
      "scheduled",
      "ghosts",
      "today",
      "older",
      "ds",
    ];
    const fields = known.filter((name) => news[name] !== undefined);
    for (const name of fields) data[name] = news[name];
    this.tell({ runs: changed, newColumns, fields });
  }

  /** Whether the rows are others by now, or the notebook's code, and with it what is stale. */
  outdated(news) {
    const rows = news.tasks?.map((task) => task.id ?? task);
    if (rows && rows.join("\n") !== this.data.tasks.map((task) => task.id).join("\n")) return true;
    return ["saved", "published"].some((name) => news[name] !== undefined && news[name] !== this.data[name]);
  }

  /** Ask for the whole board; meanwhile the last picture stays. */
  async anew() {
    if (this.asking) return;
    this.asking = true;
    try {
      await this.longer(Math.max(LAST, this.reach));
    } catch {
      // The next news asks again.
    } finally {
      this.asking = false;
    }
  }

  /** Ask for a longer past: the last `last` runs. */
  async longer(last) {
    const graph = this.data.graph;
    const board = await this.wire.ask("board", { last });
    this.reach = last;
    this.take({ ...board, graph: board.graph ?? graph, ds: board.ds ?? this.data.ds });
    this.tell({ all: true });
  }

  /** The graph with these groups shut, laid out. */
  async laidOut(shut) {
    const key = `${this.data.saved}\n${shut.join("\n")}`;
    if (!this.layouts.has(key)) this.layouts.set(key, await this.wire.ask("graph", { shut }));
    return this.layouts.get(key);
  }

  /** Ask the server for news when the kernel has brought none for a while: it may be gone. */
  async lookAgain() {
    if (!this.wire.address || document.hidden) return;
    if (performance.now() - this.heardAt < this.patience) return;
    this.heardAt = performance.now();
    const mark = this.data.mark ?? 0;
    try {
      this.apply(await this.wire.ask("updates", { since: mark }));
      this.patience = this.data.mark === mark ? Math.min(SELDOM, this.patience * 1.5) : LOOK_AGAIN;
    } catch {
      // The last picture stays; the next look may go better.
    }
  }
}

const STORES = new WeakMap();

/** The store of a model: views that are given the same one share it. */
function storeOf(model) {
  if (!STORES.has(model)) STORES.set(model, new Store(model));
  return STORES.get(model);
}
