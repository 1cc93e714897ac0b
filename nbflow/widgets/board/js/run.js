// The panel of a run: how it stands, its tasks along the clock.

class RunPanel {
  constructor(context, place) {
    this.context = context;
    this.place = place;
    this.form = make("div", { class: "nbf-form-holder" });
    this.top = make("div", {});
    this.node = make("div", { class: "nbf-panel-body" }, this.top, this.form);
    this.rest = make("div", { class: "nbf-panel-rest" });
    this.node.append(this.rest);
    this.title = `run of ${labelWords(context.store.run(place.run_id)?.label ?? place.run_id)}`;
  }

  async load() {
    this.found = await this.context.store.wire.ask("run_panel", this.place);
    this.draw();
  }

  touched(change) {
    return change.all || change.runs.has(this.place.run_id);
  }

  get run() {
    return this.context.store.run(this.place.run_id) ?? {};
  }

  get state() {
    return this.found?.state ?? this.run.state ?? "none";
  }

  draw() {
    const { found, run } = this;
    const state = this.state;
    const counts = Object.entries(found.counts ?? {}).filter(([, number]) => number);
    const facts = [
      run.type,
      this.took(),
      found.version_said ?? (found.version && `version ${String(found.version).slice(0, 8)}`),
    ].filter(Boolean);
    fill(
      this.top,
      panelHead(
        stateSquare(state, { size: 20 }),
        `Run of ${labelWords(run.label ?? this.place.run_id)}`,
        null,
        () => this.context.close(),
      ),
      make(
        "p",
        { class: "nbf-state-line" },
        make("b", { class: `nbf-w-${LETTER_OF[state] ?? "n"}` }, found.shown ?? runWords({ ...run, state })),
        (found.reason || run.reason) && make("span", {}, found.reason || run.reason),
      ),
      make(
        "p",
        { class: "nbf-facts" },
        facts.map((fact) => make("span", {}, fact)),
        counts.map(([name, number]) =>
          make(
            "span",
            { class: "nbf-counted" },
            stateSquare(name, { size: 13, label: stateWords(name) }),
            String(number),
          ),
        ),
      ),
      this.failures(),
      make(
        "div",
        { class: "nbf-actions", role: "group", "aria-label": "Actions" },
        button("Clear…", () => selectRun(this, "clear")),
        button("Mark…", () => selectRun(this, "mark")),
        this.notebookButton(),
      ),
    );
    const params = Object.entries(found.params ?? {});
    fill(
      this.rest,
      make("h4", {}, "Tasks along the clock"),
      gantt(found.gantt ?? [], this.context.store.data, (bar) =>
        this.context.open("square", {
          run_id: this.place.run_id,
          task_id: bar.task_id,
          map_index: bar.map_index ?? -1,
        }),
      ),
      params.length > 0 && [make("h4", {}, "Parameters"), listOf(params)],
    );
  }

  /** How long it took, beside what runs that succeeded usually take. */
  took() {
    const seconds = this.found.seconds ?? this.run.seconds ?? null;
    if (seconds === null) return "";
    const { runs } = this.context.store.data;
    const usual = median(runs.filter((run) => run.state === "success").map((run) => run.seconds));
    return [duration(seconds), usual === null ? null : tookBeside(seconds, usual)];
  }

  /** What failed in it by itself, which opens it. */
  failures() {
    const { headline } = this.context.store.data;
    const mine = (headline?.failures ?? []).filter((failure) => failure.run_id === this.place.run_id);
    if (!mine.length) return null;
    const open = ({ task_id, map_index }) =>
      this.context.open("square", { run_id: this.place.run_id, task_id, map_index: map_index ?? -1 });
    return make(
      "div",
      { class: "nbf-failures" },
      mine.map((failure) => failureButton(failure, { onclick: () => open(failure) })),
    );
  }

  notebookButton() {
    const address = notebookAddress(this.context.relative(this.found.notebook));
    return address
      ? button("Open the executed notebook", () => window.open(address, "_blank", "noopener"))
      : null;
  }

  gone() {}
}

/** Bars of tasks along the clock, in the order of the grid. */
function gantt(bars, data, open) {
  const begun = bars.filter((bar) => bar.start);
  if (!begun.length) return make("p", { class: "nbf-quiet" }, "No task has started yet.");
  const now = Date.now();
  const from = Math.min(...begun.map((bar) => Date.parse(bar.start)));
  const to = Math.max(from + 1, ...begun.map((bar) => (bar.end ? Date.parse(bar.end) : now)));
  const at = (moment) => (100 * (moment - from)) / (to - from);
  const row = new Map(data.tasks.map((task, index) => [task.id, index]));
  begun.sort(
    (one, other) =>
      (row.get(one.task_id) ?? 0) - (row.get(other.task_id) ?? 0) ||
      (one.map_index ?? 0) - (other.map_index ?? 0),
  );
  return make(
    "div",
    { class: "nbf-gantt" },
    begun.map((bar) => {
      const start = Date.parse(bar.start);
      const end = bar.end ? Date.parse(bar.end) : now;
      const took = duration((end - start) / 1000);
      const name = bar.map_index >= 0 ? `${bar.task_id}[${bar.map_index}]` : bar.task_id;
      const style = `left:${at(start)}%;width:max(3px,${at(end) - at(start)}%)`;
      return make(
        "button",
        {
          type: "button",
          class: "nbf-lane",
          onclick: () => open(bar),
          title: `${name} · ${stateWords(bar.state)} · ${took} · from ${timeWords(bar.start, data.timezone)}`,
          "aria-label": `${name}, ${stateWords(bar.state)}, ${took}`,
        },
        make("span", { class: "nbf-lane-name" }, name),
        make(
          "span",
          { class: "nbf-lane-track" },
          make("i", { class: `nbf-b-${LETTER_OF[bar.state] ?? "n"}`, style }),
        ),
        make("span", { class: "nbf-lane-time" }, took),
      );
    }),
    make(
      "div",
      { class: "nbf-gantt-ends nbf-quiet" },
      make("span", {}, timeWords(new Date(from).toISOString(), data.timezone)),
      make("span", {}, timeWords(new Date(to).toISOString(), data.timezone)),
    ),
  );
}
