// The form of clear and mark in a panel: what else is meant, and what would happen, before anything does.

const BOTH = [
  ["upstream", "upstream"],
  ["past", "earlier dates"],
  ["future", "later dates"],
];
const OF_CLEAR = [
  ["only_failed", "only what failed"],
  ["stale", "only what is stale"],
];

/** Of a task instance: with what lies around it. */
function selectSquare(panel, verb) {
  const boxes = [
    ["downstream", "downstream", verb === "clear"],
    ...BOTH,
    ...(verb === "clear" ? OF_CLEAR : []),
  ];
  selectFrom(panel, verb, {
    of: panel.place.task_id,
    tasks: [panel.place.task_id],
    legend: "and with it",
    boxes,
  });
}

/** Of a run: all of it, or less. */
function selectRun(panel, verb) {
  const boxes = verb === "clear" ? OF_CLEAR : [];
  selectFrom(panel, verb, { of: "this run", tasks: [], legend: "which tasks", boxes });
}

/** @param boxes [[name, text, whether it is chosen at first], …] */
function selectFrom(panel, verb, { of, tasks, legend, boxes }) {
  const name = verb === "clear" ? "Clear" : "Mark";
  const set = make(
    "fieldset",
    { class: "nbf-choices" },
    make("legend", {}, legend),
    boxes.map(([box, text, chosen]) => choice(box, text, chosen)),
  );
  const state = verb === "mark" ? stateField() : null;
  const body = () => {
    const chosen = [...set.querySelectorAll("input")].map((box) => [box.name, box.checked]);
    const wanted = clearing([panel.place.run_id], tasks, Object.fromEntries(chosen), panel.place.map_index);
    return state ? { ...wanted, state: state.querySelector("select").value } : wanted;
  };
  const done = () => fill(panel.form);
  const form = previewed({
    actions: panel.context.actions,
    verb,
    title: `${name} ${of}`,
    fields: [state, boxes.length > 0 && set],
    body,
    doing: (number) => (number === null ? name : `${name} ${count(number, "task")}`),
    done,
    cancel: done,
  });
  fill(panel.form, form);
  form.querySelector("input, select, button")?.focus();
}

function stateField() {
  const states = ["success", "failed"].map((state) => make("option", { value: state }, state));
  return make("label", { class: "nbf-field" }, make("span", {}, "as"), make("select", { name: "state" }, states));
}
