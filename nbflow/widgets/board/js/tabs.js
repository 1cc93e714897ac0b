// A row of tabs, and what some of them hold.

class Tabs {
  constructor(names, labels, chosen) {
    this.names = names;
    this.body = make("div", { class: "nbf-tab-body", role: "tabpanel", id: identity("tab"), tabindex: 0 });
    this.buttons = names.map((name) =>
      make(
        "button",
        {
          type: "button",
          role: "tab",
          class: "nbf-tab",
          "data-tab": name,
          id: identity("tab"),
          "aria-controls": this.body.id,
          onclick: () => chosen(name),
        },
        labels[name],
      ),
    );
    this.list = make("div", { class: "nbf-tabs", role: "tablist" }, this.buttons);
    this.list.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowLeft: names.length - 1 };
      if (!steps[event.key]) return;
      const next = (names.indexOf(this.shown) + steps[event.key]) % names.length;
      chosen(names[next]);
      this.buttons[next].focus();
      event.preventDefault();
      event.stopPropagation();
    });
    this.node = make("div", { class: "nbf-tabs-holder" }, this.list, this.body);
  }

  show(name, content) {
    this.shown = name;
    this.names.forEach((one, at) => {
      this.buttons[at].setAttribute("aria-selected", String(one === name));
      this.buttons[at].tabIndex = one === name ? 0 : -1;
      if (one === name) this.body.setAttribute("aria-labelledby", this.buttons[at].id);
    });
    this.body.dataset.tab = name;
    fill(this.body, content);
  }
}

const TAIL = 1000; // ms between two looks at a log that grows

/** A try's log, which follows it while it runs. */
class LogTail {
  constructor(wire, place, start, state) {
    this.wire = wire;
    this.place = place;
    const {
      text = "",
      offset = 0,
      ended = true,
    } = typeof start === "string" ? { text: start } : (start ?? {});
    this.offset = offset;
    this.text = text;
    this.pre = make("pre", { class: "nbf-output nbf-log", tabindex: 0 });
    this.node = make("div", {}, this.pre);
    this.write();
    const over = state === "running" ? false : ended || FINISHED_STATES.has(state);
    if (!over) this.timer = setTimeout(() => this.look(), TAIL);
    else if (!text) this.pre.textContent = "Nothing was logged.";
  }

  write() {
    const { pre } = this;
    const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 30;
    fill(pre, ...ansi(this.text));
    if (atEnd)
      requestAnimationFrame(() => {
        pre.scrollTop = pre.scrollHeight;
      });
  }

  async look() {
    this.timer = null;
    try {
      const more = await this.wire.ask("log_after", { ...this.place, offset: this.offset });
      if (this.stopped) return;
      this.offset = more.offset;
      if (more.text) {
        this.text = (this.text + more.text).slice(-65_536);
        this.write();
      }
      if (more.ended) return;
    } catch {
      // It may be written again in a moment.
    }
    if (!this.stopped) this.timer = setTimeout(() => this.look(), TAIL);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}

const FINISHED_STATES = new Set(["success", "failed", "skipped", "upstream_failed", "removed"]);

// How a try's end is drawn, where it isn't named like a state.
const RESULT_STATES = {
  fail: "failed",
  timed_out: "failed",
  stopped: "failed",
  lost: "failed",
  gave_up: "failed",
  waiting: "up_for_reschedule",
};

/** The tries of an instance, the newest first. */
function showTries(found, zone, choose) {
  const tries = [...(found.tries ?? [])].reverse();
  if (!tries.length) return [make("p", { class: "nbf-quiet" }, "It has not run yet.")];
  const shown = found.try_number ?? tries[0].number;
  return tries.map((one) =>
    make(
      "section",
      { class: `nbf-try${one.number === shown ? " nbf-shown" : ""}` },
      make(
        "h4",
        {},
        stateSquare(RESULT_STATES[one.result] ?? one.result ?? "running", {
          size: 14,
          label: stateWords(one.result ?? "running"),
        }),
        `Try ${one.number}`,
        one.number === shown
          ? make("small", {}, "shown")
          : button("show", () => choose(one.number), { kind: "link" }),
      ),
      make(
        "p",
        { class: "nbf-quiet" },
        [
          stateWords(one.result ?? "running"),
          one.started && `${dateWords(one.started, zone)}:${timeWords(one.started, zone).slice(6)}`,
          duration(one.seconds),
          one.engine,
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      one.reason && make("p", {}, one.reason),
      [one.notes ?? []].flat().map((note) => make("p", { class: "nbf-note" }, String(note))),
    ),
  );
}

/** What stands before and after it, and its parameters. */
function showAround(found, open) {
  const list = (title, tasks) =>
    make(
      "section",
      {},
      make("h4", {}, title),
      tasks?.length
        ? make(
            "ul",
            { class: "nbf-neighbours" },
            tasks.map((task) =>
              make(
                "li",
                {},
                stateSquare(task.state, { size: 14 }),
                button(task.id, () => open(task.id), { kind: "link" }),
                make("small", {}, stateWords(task.state)),
              ),
            ),
          )
        : make("p", { class: "nbf-quiet" }, "none"),
    );
  const params = Object.entries(found.params ?? {});
  return [
    make("div", { class: "nbf-beside" }, list("Upstream", found.upstream), list("Downstream", found.downstream)),
    params.length > 0 && make("section", {}, make("h4", {}, "Parameters"), listOf(params)),
  ];
}

/** Names and values. */
function listOf(entries) {
  return make(
    "dl",
    {},
    entries.flatMap(([name, value]) => [
      make("dt", {}, make("code", {}, name)),
      make("dd", {}, typeof value === "string" ? value : JSON.stringify(value)),
    ]),
  );
}
