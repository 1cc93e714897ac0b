// The legend below the grid. Each entry is a button that leaves only its state at full strength.

const COUNTED = new Map();

/** How many squares of each state a run has; most runs are alike. */
function countedLetters(letters) {
  if (!COUNTED.has(letters)) {
    if (COUNTED.size > 5000) COUNTED.clear();
    const counts = new Map();
    let stale = 0;
    for (const read of [...letters].map(readLetter)) {
      if (!read) continue;
      counts.set(read.state, (counts.get(read.state) ?? 0) + 1);
      if (read.stale) stale += 1;
    }
    COUNTED.set(letters, { counts, stale });
  }
  return COUNTED.get(letters);
}

class Filters {
  /** @param apply called with the set of letters that are chosen */
  constructor(store, apply) {
    this.store = store;
    this.apply = apply;
    this.chosen = new Set();
    this.node = make("div", { class: "nbf-legend", role: "group", "aria-label": "Show only these states" });
    this.draw();
  }

  draw() {
    const data = this.store.data;
    const counts = new Map();
    let stale = 0;
    for (const run of data.runs) {
      const found = countedLetters(data.squares[run.run_id] ?? "");
      for (const [letter, number] of found.counts) counts.set(letter, (counts.get(letter) ?? 0) + number);
      stale += found.stale;
    }
    const order = LETTERS.filter((letter) => counts.has(letter) || this.chosen.has(letter));
    const texts =
      order.map((letter) => `${letter}${counts.get(letter)}${this.chosen.has(letter)}`).join(" ") +
      `${stale} ${data.older}`;
    if (texts === this.drawn) return;
    this.drawn = texts;
    const notes = [
      stale ? `${stale} stale (notched): changed since they ran` : "",
      data.older ? `${data.older} older: scroll left` : "",
    ];
    const held = this.node.contains(document.activeElement) ? document.activeElement.dataset.letter : null;
    fill(
      this.node,
      order.map((letter) => this.entry(letter, counts.get(letter) ?? 0)),
      this.chosen.size > 0 && button("show all", () => this.reset(), { kind: "link" }),
      make("span", { class: "nbf-notes nbf-quiet" }, notes.filter(Boolean).join(" · ")),
    );
    if (held) this.node.querySelector(`[data-letter="${held}"]`)?.focus();
  }

  entry(letter, number) {
    const name = STATES[letter].name;
    const node = make(
      "button",
      {
        type: "button",
        class: "nbf-entry",
        "data-letter": letter,
        "aria-pressed": String(this.chosen.has(letter)),
        onclick: () => this.toggle(letter),
      },
      stateSquare(name),
      make("span", {}, stateWords(name)),
      make("small", {}, String(number)),
    );
    return node;
  }

  toggle(letter) {
    if (!this.chosen.delete(letter)) this.chosen.add(letter);
    this.draw();
    this.apply(this.chosen);
  }

  reset() {
    this.chosen.clear();
    this.draw();
    this.apply(this.chosen);
  }
}
