// The panel of a task instance: how it stands and why, what it gave, what can be done about it.

class SquarePanel {
  /**
   * @param context {store, actions, notice, open(…), close()}
   * @param place {run_id, task_id, map_index, try_number}
   */
  constructor(context, place) {
    this.context = context;
    this.place = { map_index: -1, try_number: null, ...place };
    this.tab = "output";
    this.form = make("div", { class: "nbf-form-holder" });
    this.top = make("div", { class: "nbf-panel-top" });
    this.tabs = new Tabs(
      ["output", "log", "values", "tries", "around"],
      { output: "Output", log: "Log", values: "Values", tries: "Tries", around: "Around" },
      (tab) => this.show(tab),
    );
    this.node = make("div", { class: "nbf-panel-body" }, this.top, this.form, this.tabs.node);
    this.title = `${place.task_id}, ${labelWords(context.store.run(place.run_id)?.label ?? place.run_id)}`;
  }

  async load() {
    this.found = await this.context.store.wire.ask("square_panel", this.place);
    this.letter = this.letterNow();
    this.draw();
  }

  letterNow() {
    return this.context.store.letter(this.place.run_id, this.context.store.rowOf.get(this.place.task_id));
  }

  /** Whether what it shows has moved. */
  touched(change) {
    return (
      change.all ||
      (change.runs.has(this.place.run_id) &&
        (this.letterNow() !== this.letter || this.letter.toLowerCase() === "r"))
    );
  }

  get state() {
    return this.found?.state ?? "none";
  }

  // --- the upper part ------------------------------------------------------------------------------

  /** Draw what has changed since it was drawn last: a menu that is open stays open, a log keeps its place. */
  draw() {
    const { found } = this;
    const said = JSON.stringify({ ...found, log: null, outputs: null, xcoms: null });
    if (said !== this.drawn) this.drawTop();
    this.drawn = said;
    this.show(this.tab);
  }

  drawTop() {
    const { found } = this;
    const label = found.label ?? this.context.store.run(this.place.run_id)?.label ?? this.place.run_id;
    this.label = label;
    fill(
      this.top,
      panelHead(
        stateSquare(found.state, { size: 20 }),
        [
          make("code", {}, this.place.task_id),
          this.place.map_index >= 0 && make("span", {}, `[${this.place.map_index}]`),
        ],
        button(labelWords(label), () => this.context.open("run", { run_id: this.place.run_id }), {
          kind: "link",
          title: "The whole run",
        }),
        () => this.context.close(),
      ),
      make(
        "p",
        { class: "nbf-state-line" },
        make("b", { class: `nbf-w-${LETTER_OF[found.state] ?? "n"}` }, stateWords(found.state)),
        found.reason && make("span", {}, found.reason),
      ),
      this.facts(),
      this.error(),
      this.buttons(),
      this.mapped(),
    );
  }

  facts() {
    const { found } = this;
    const facts = [];
    const seconds = found.seconds ?? null;
    if (seconds !== null)
      facts.push(
        make(
          "span",
          { class: "nbf-took" },
          duration(seconds),
          found.median ? tookBeside(seconds, found.median) : null,
        ),
      );
    const tries = found.tries ?? [];
    const shown = found.try_number ?? tries.at(-1)?.number;
    if (tries.length > 1) facts.push(make("span", {}, `try ${shown} of ${tries.at(-1).number}`));
    const notes = tries.find((one) => one.number === shown)?.notes ?? [];
    const stale = found.stale?.length
      ? make("p", { class: "nbf-stale-line" }, make("b", {}, "Stale: "), found.stale.join("; "))
      : null;
    const waits =
      (found.waits ?? []).length && !FINISHED_STATES.has(found.state)
        ? make("p", { class: "nbf-quiet" }, `Waits for: ${found.waits.join("; ")}`)
        : null;
    return [
      facts.length > 0 && make("p", { class: "nbf-facts" }, facts),
      waits,
      stale,
      ...[notes].flat().map((note) => make("p", { class: "nbf-note" }, String(note))),
    ];
  }

  error() {
    const { error } = this.found;
    if (!error) return null;
    const where = [error.cell ? `cell ${error.cell}` : "", error.line ? `line ${error.line}` : ""]
      .filter(Boolean)
      .join(", ");
    return make(
      "div",
      { class: "nbf-error-box", role: "group", "aria-label": "Error" },
      make("pre", {}, make("b", {}, error.type ?? "Error"), error.message ? `: ${error.message}` : ""),
      where && make("small", {}, where),
    );
  }

  buttons() {
    const { actions } = this.context;
    const failed = ["failed", "up_for_retry"].includes(this.state);
    const apart = Boolean(this.context.store.data.apart); // from the notebook: nothing to save, no kernel of its own
    const run = (work) => async (event) => {
      const { currentTarget } = event;
      currentTarget.disabled = true;
      await work();
      currentTarget.disabled = false;
    };
    const menu = new Menu(() => this.more());
    return make(
      "div",
      { class: "nbf-actions", role: "group", "aria-label": "Actions" },
      failed &&
        !apart &&
        button(
          "Save and clear",
          run(() => actions.saveAndClear(this.place)),
          {
            kind: "primary",
            title: "Save the notebook, then run this task again, and what could not run because of it",
          },
        ),
      !apart &&
        button(
          "Pull",
          run(() => actions.pull(this.place, failed)),
          {
            title: failed
              ? "Put this try's inputs, its date and its variables at the failure into the kernel"
              : "Put this try's inputs, parameters and date into the kernel",
          },
        ),
      button("Clear…", () => selectSquare(this, "clear")),
      button("Mark…", () => selectSquare(this, "mark")),
      menu.node,
    );
  }

  more() {
    const { commands = {}, notebook } = this.found;
    const entries = [];
    for (const [name, command] of Object.entries(commands)) {
      if (command)
        entries.push({
          text: COPIES[name] ?? `Copy: ${command}`,
          act: () => copy(command, this.context.notice),
        });
    }
    const address = notebookAddress(this.context.relative(notebook));
    if (address)
      entries.push({
        text: "Open the executed notebook",
        act: () => window.open(address, "_blank", "noopener"),
      });
    else if (notebook)
      entries.push({
        text: "Copy the executed notebook's path",
        act: () => copy(notebook, this.context.notice),
      });
    entries.push({
      text: "The task on every date",
      act: () => this.context.open("task", { task_id: this.place.task_id }),
    });
    return entries;
  }

  mapped() {
    const items = this.found.mapped ?? [];
    if (!items.length) return null;
    const entry = (item) =>
      make(
        "button",
        {
          type: "button",
          class: "nbf-item",
          "aria-pressed": String(item.index === this.place.map_index),
          title: `${item.label ?? item.index}: ${stateWords(item.state)}`,
          "aria-label": `instance ${item.label ?? item.index}, ${stateWords(item.state)}`,
          onclick: () => this.instance(item.index),
        },
        stateSquare(item.state),
      );
    return make("div", { class: "nbf-items", role: "group", "aria-label": "Instances" }, items.map(entry));
  }

  instance(index) {
    this.context.open("square", { run_id: this.place.run_id, task_id: this.place.task_id, map_index: index });
  }

  // --- the tabs ------------------------------------------------------------------------------------

  show(tab) {
    this.tab = tab;
    const { found } = this;
    const parts = {
      output: found.outputs,
      log: [found.try_number, found.state === "running"],
      values: [found.xcoms, found.xcoms_error],
      tries: [found.tries, found.try_number],
      around: [found.upstream, found.downstream, found.params],
    };
    const said = tab + JSON.stringify(parts[tab]);
    if (said === this.shown) return;
    this.shown = said;
    this.stopFollowing();
    const bodies = {
      output: () => showOutputs(found.outputs),
      log: () => this.log(),
      values: () => showValues(found.xcoms, this.label, found.xcoms_error),
      tries: () =>
        showTries(found, this.context.store.data.timezone, (number) =>
          this.context.open("square", { ...this.place, try_number: number }),
        ),
      around: () =>
        showAround(found, (taskId) =>
          this.context.open("square", { run_id: this.place.run_id, task_id: taskId }),
        ),
    };
    this.tabs.show(tab, bodies[tab]());
  }

  log() {
    this.tail = new LogTail(
      this.context.store.wire,
      {
        run_id: this.place.run_id,
        task_id: this.place.task_id,
        map_index: this.place.map_index,
        try_number: this.found.try_number ?? this.found.tries?.at(-1)?.number ?? 1,
      },
      this.found.log,
      this.state,
    );
    return [this.tail.node];
  }

  stopFollowing() {
    this.tail?.stop();
    this.tail = null;
  }

  gone() {
    this.stopFollowing();
  }
}
