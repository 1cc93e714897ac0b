// The first lines: how it stands in one sentence, and what a person should know or decide.

const SHOWN_FAILURES = 3;

class Headline {
  /**
   * @param store the data
   * @param on {square(runId, taskId), run(runId), act(verb, body), open(form, opener), menu: [{text, act}]}
   */
  constructor(store, on) {
    this.store = store;
    this.on = on;
    this.all = false; // whether all failures are named
    this.sentence = make("div", { class: "nbf-sentence" });
    this.buttons = make("div", { class: "nbf-buttons" });
    this.banners = make("div", { class: "nbf-banners" });
    this.node = make(
      "header",
      { class: "nbf-headline" },
      make("div", { class: "nbf-head" }, this.sentence, this.buttons),
      this.banners,
    );
    this.drawButtons();
    this.draw();
  }

  draw() {
    const data = this.store.data;
    const headline = data.headline ?? { text: "", failures: [] };
    const failures = headline.failures ?? [];
    const parts = [
      make("strong", { class: "nbf-dag" }, data.dag_id ?? ""),
      make("span", { class: "nbf-lead" }, headline.text),
    ];
    const shown = this.all ? failures : failures.slice(0, SHOWN_FAILURES);
    parts.push(...shown.map((failure) => this.failure(failure)));
    const hiddenOnes = failures.length - shown.length;
    if (hiddenOnes > 0) parts.push(button(`${hiddenOnes} more`, () => this.showAll(), { kind: "link" }));
    if (hiddenOnes <= 0 && headline.more) parts.push(make("span", { class: "nbf-quiet" }, "and older ones"));
    if (headline.today) parts.push(this.today(headline.today));
    if (headline.next) parts.push(make("span", { class: "nbf-quiet" }, `next ${headline.next}`));
    fill(this.sentence, parts);
    this.drawBanners();
    this.drawPause();
  }

  showAll() {
    this.all = true;
    this.draw();
  }

  /** How today's run stands, which opens it. */
  today({ run_id: runId, state }) {
    return make(
      "span",
      {},
      "today: ",
      button(stateWords(state), () => this.on.run(runId), { kind: "link", title: "Open today's run" }),
    );
  }

  failure(failure) {
    return failureButton(failure, {
      day: shortDay(failure.label, this.store.data.today),
      onclick: () => this.on.square(failure.run_id, failure.task_id, failure.map_index),
    });
  }

  // --- banners -------------------------------------------------------------------------------------

  drawBanners() {
    const data = this.store.data;
    const banners = [];
    if (data.paused) {
      banners.push(
        this.banner("Paused", `nothing new is queued${data.pause_reason ? `: ${data.pause_reason}` : ""}.`, [
          "Resume",
          "unpause",
        ]),
      );
    }
    if (data.changed && data.published !== null && data.published !== undefined) {
      banners.push(
        this.banner("Not published", "the notebook differs from the version that the schedule runs.", [
          "Publish it",
          "publish",
        ]),
      );
    }
    const scheduler = data.scheduler;
    if (scheduler && !scheduler.alive && (data.scheduled || this.waiting())) {
      banners.push(
        this.banner("No scheduler", scheduler.what || "nothing runs by itself until one is started.", [
          "Start one",
          "start_scheduler",
        ]),
      );
    }
    if (this.store.wire.kernelGone) banners.push(this.lastPicture());
    fill(this.banners, banners);
  }

  /** What is left of a board whose kernel has ended. */
  lastPicture() {
    const served = Boolean(this.store.wire.address);
    const text = served
      ? "the board goes on; to pull into a kernel, run the cell with %nbflow again."
      : "this is the last it has told. Run the cell with %nbflow again to go on from here.";
    return this.banner("The kernel has ended", text);
  }

  /** Whether a run waits for somebody to run it. */
  waiting() {
    return this.store.data.runs.some((run) => run.state === "queued");
  }

  /** @param remedy [text of a button, what it does]; undefined: there is nothing to press */
  banner(title, text, remedy) {
    return make(
      "div",
      { class: "nbf-banner" },
      make("b", {}, title),
      make("span", {}, text),
      remedy && button(remedy[0], () => this.on.act(remedy[1], {})),
    );
  }

  // --- buttons -------------------------------------------------------------------------------------

  drawButtons() {
    this.pause = button("Pause", () => this.on.act(this.store.data.paused ? "unpause" : "pause", {}));
    this.alive = make("span", { class: "nbf-alive" });
    this.badge = make("span", { class: "nbf-badge", hidden: true });
    const menu = new Menu(this.on.menu);
    fill(
      this.buttons,
      this.badge,
      this.alive,
      button("Run", (event) => this.on.open("run", event.currentTarget), { kind: "primary" }),
      button("Backfill", (event) => this.on.open("backfill", event.currentTarget)),
      this.pause,
      menu.node,
    );
  }

  drawPause() {
    const data = this.store.data;
    this.pause.textContent = data.paused ? "Resume" : "Pause";
    const alive = Boolean(data.scheduler?.alive);
    this.alive.hidden = !data.scheduler;
    this.alive.classList.toggle("nbf-yes", alive);
    const said = data.scheduler?.what || (alive ? "a scheduler is running" : "no scheduler is running");
    this.alive.title = said;
    fill(
      this.alive,
      make("i", { "aria-hidden": "true" }),
      make("span", {}, alive ? "scheduler" : "no scheduler"),
    );
    this.badge.hidden = !data.ds;
    this.badge.textContent = data.ds ? `kernel at ${data.ds}` : "";
    this.badge.title = "the date that the kernel's cells see; %dag --date reset ends it";
  }

  changed(change) {
    if (change.all || change.fields.size || change.newColumns || change.runs.size) this.draw();
  }
}

/** A button that opens a list of more. */
class Menu {
  /** @param entries () => list of {text, act, on: boolean|undefined} */
  constructor(entries) {
    this.entries = entries;
    this.list = make("div", { class: "nbf-menu", role: "menu", id: identity("menu"), hidden: true });
    this.button = button("⋯", () => this.toggle(), {
      kind: "more",
      "aria-label": "More",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    });
    this.node = make("div", { class: "nbf-menu-holder" }, this.button, this.list);
    this.node.addEventListener("keydown", (event) => this.pressed(event));
    this.node.addEventListener("focusout", (event) => {
      if (!this.node.contains(event.relatedTarget)) this.shut();
    });
  }

  toggle() {
    if (!this.list.hidden) {
      this.shut();
      return;
    }
    fill(
      this.list,
      this.entries().map(({ text, act, on }) =>
        make(
          "button",
          {
            type: "button",
            role: on === undefined ? "menuitem" : "menuitemradio",
            "aria-checked": on === undefined ? null : String(on),
            tabindex: -1,
            onclick: () => {
              this.shut();
              this.button.focus();
              act();
            },
          },
          text,
        ),
      ),
    );
    this.list.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.list.firstElementChild?.focus();
  }

  shut() {
    this.list.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  pressed(event) {
    const entries = [...this.list.children];
    const here = entries.indexOf(document.activeElement);
    const steps = {
      ArrowDown: here + 1,
      ArrowUp: here - 1 + entries.length,
      Home: 0,
      End: entries.length - 1,
    };
    if (event.key === "Escape" && !this.list.hidden) {
      this.shut();
      this.button.focus();
    } else if (!this.list.hidden && steps[event.key] !== undefined) {
      entries[steps[event.key] % entries.length].focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
