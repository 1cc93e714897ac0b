// The panel of a task: every date side by side, its picture or its number, and how long it took.

class TaskPanel {
  constructor(context, place) {
    this.context = context;
    this.place = place;
    this.node = make("div", { class: "nbf-panel-body" });
    this.title = `task ${place.task_id}`;
  }

  async load() {
    this.found = await this.context.store.wire.ask("task_panel", { ...this.place, last: 60 });
    this.draw();
  }

  touched(change) {
    return change.all;
  }

  get state() {
    return "none";
  }

  draw() {
    const runs = this.found.runs ?? [];
    const { kind, doc } = this.found;
    const numbers = runs.filter((run) => Number.isFinite(run.number)).map((run) => [run.label, run.number]);
    const times = runs.filter((run) => Number.isFinite(run.seconds)).map((run) => [run.label, run.seconds]);
    const usual = this.found.median ?? median(times.map(([, seconds]) => seconds));
    const failed = runs.filter((run) => run.state === "failed").length;
    const facts = [
      count(runs.length, "run"),
      failed ? `${failed} failed` : "",
      usual === null ? "" : `usually ${duration(usual)}`,
      kind && kind !== "task" ? stateWords(kind) : "",
    ];
    fill(
      this.node,
      panelHead(null, make("code", {}, this.place.task_id), null, () => this.context.close()),
      make(
        "p",
        { class: "nbf-facts" },
        facts.filter(Boolean).map((fact) => make("span", {}, fact)),
      ),
      doc && make("p", {}, doc),
      numbers.length > 1 && [
        make("h4", {}, this.found.key ? make("code", {}, this.found.key) : "Its number"),
        sparkline(numbers),
      ],
      times.length > 1 && [make("h4", {}, "Seconds"), sparkline(times)],
      make("h4", {}, "Every date"),
      make(
        "div",
        { class: "nbf-film" },
        [...runs].reverse().map((run) => this.picture(run)),
      ),
    );
  }

  picture(run) {
    const shown = run.image
      ? make("img", { src: /^data:image\//.test(run.image) ? run.image : null, alt: "", loading: "lazy" })
      : make(
          "span",
          { class: "nbf-number" },
          Number.isFinite(run.number) ? shortNumber(run.number) : duration(run.seconds) || "–",
        );
    const label = labelWords(run.label);
    return make(
      "button",
      {
        type: "button",
        class: "nbf-shot",
        onclick: () => this.context.open("square", { run_id: run.run_id, task_id: this.place.task_id }),
        "aria-label": `${label}, ${stateWords(run.state)}${Number.isFinite(run.number) ? `, ${shortNumber(run.number)}` : ""}`,
      },
      shown,
      make("span", { class: "nbf-caption" }, stateSquare(run.state, { size: 12 }), label),
    );
  }

  gone() {}
}
