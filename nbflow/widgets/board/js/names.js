// The names to the left of the squares: tasks, and groups that shut.

/** Draw the names of the grid's lines. */
function drawNames(node, lines) {
  fill(
    node,
    lines.map((line, at) => (line.kind === "group" ? groupName(line, at) : taskName(line, at))),
  );
}

function indent(line) {
  return `padding-left:${12 + 12 * line.depth}px`;
}

function groupName(line, at) {
  const sign = draw(
    "svg",
    { class: `nbf-turn${line.collapsed ? " nbf-shut" : ""}`, width: 10, height: 10, viewBox: "0 0 10 10" },
    draw("path", { d: "M2 3.5L5 6.5L8 3.5" }),
  );
  return make(
    "div",
    { class: "nbf-name nbf-group", style: indent(line), "data-group": line.id, "data-line": at, title: line.id },
    sign,
    make("span", {}, line.name),
    line.collapsed && make("small", {}, String(line.members.length)),
  );
}

function taskName(line, at) {
  const { removed, mapped } = line.task;
  return make(
    "div",
    {
      class: `nbf-name${removed ? " nbf-removed" : ""}`,
      style: indent(line),
      "data-task": line.id,
      "data-line": at,
      title: removed ? `${line.id}: no longer in the notebook` : line.id,
    },
    make("span", {}, line.name),
    mapped && make("small", {}, "×"),
  );
}
