// The graph's boxes and lines, at the places they were given.

const STACKED = 6; // px that a mapped task's pile sticks out

/** What tells a box from all others: a group may be called like a task. */
function nodeKey(name, isGroup = false) {
  return `${isGroup ? "group" : "task"} ${name}`;
}

function ownName(group) {
  return group.id.slice(group.id.lastIndexOf(".") + 1);
}

/** What makes a group's name a button, for the keyboard too. */
function pressed(group, verb, onclick) {
  return {
    role: "button",
    tabindex: 0,
    "aria-label": `${verb} group ${group.id}`,
    "data-group-name": group.id,
    onclick,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      onclick();
    },
  };
}

/** An open group: a frame around its tasks, with a name that shuts it. */
function openGroup(group, onclick) {
  const { x, y, w, h } = group;
  return draw(
    "g",
    { class: "nbf-cluster", "data-cluster": group.id },
    draw("rect", { x: x + 0.5, y: y + 0.5, width: w - 1, height: h - 1, rx: 10 }),
    draw(
      "g",
      { class: "nbf-cluster-name", ...pressed(group, "shut", onclick) },
      draw("title", {}, `${group.id}: shut this group`),
      draw("rect", { class: "nbf-target", x: x + 4, y: y + 3, width: Math.max(20, w - 8), height: 18 }),
      draw("path", { class: "nbf-turn", d: `M${x + 8} ${y + 10}l3.5 3.5l3.5 -3.5` }),
      draw("text", { x: x + 19, y: y + 16 }, shortened(ownName(group), w - 26, 10.5)),
    ),
  );
}

/** A shut group is one box: its name, how many tasks it has, and the state of the loudest. */
function shutGroup(group, onclick) {
  const { x, y, w, h, members } = group;
  const middle = y + h / 2;
  const place = draw("g", { class: "nbf-state", transform: `translate(${x + 22} ${middle - 8})` });
  const title = draw("title", {}, group.id);
  const shell = draw(
    "g",
    { class: "nbf-node nbf-summary", ...pressed(group, "open", onclick) },
    title,
    draw("rect", { class: "nbf-box", x: x + 0.5, y: y + 0.5, width: w - 1, height: h - 1, rx: 10 }),
    draw("path", { class: "nbf-turn", d: `M${x + 10} ${middle - 3.5}l3.5 3.5l-3.5 3.5` }),
    place,
    draw("text", { class: "nbf-label", x: x + 46, y: middle - 1.5 }, shortened(ownName(group), w - 52)),
    draw("text", { class: "nbf-kind", x: x + 46, y: middle + 11.5 }, count(members.length, "task")),
  );
  const more = `\n${members.join(", ")}\nopen this group`;
  return { key: nodeKey(group.id, true), shell, place, title, more, name: group.id, members };
}

/** A task's box; a mapped one is a pile. */
function taskBox(node, listeners) {
  const pile = node.mapped ? STACKED : 0;
  const middle = node.y + (node.h + pile) / 2;
  const kind = node.kind && node.kind !== "task" ? stateWords(node.kind) : "";
  const place = draw("g", { class: "nbf-state", transform: `translate(${node.x + 10} ${middle - 8})` });
  const title = draw("title", {}, node.id);
  const size = { width: node.w - pile - 1, height: node.h - pile - 1, rx: 7 };
  const shell = draw("g", { class: "nbf-node", "data-node": node.id, ...listeners }, title);
  for (let out = pile; out > 0; out -= STACKED / 2) {
    const behind = { class: "nbf-box nbf-behind", x: node.x + out + 0.5, y: node.y + pile - out + 0.5 };
    shell.append(draw("rect", { ...behind, ...size }));
  }
  shell.append(
    draw("rect", { class: "nbf-box", x: node.x + 0.5, y: node.y + pile + 0.5, ...size }),
    place,
    draw(
      "text",
      { class: "nbf-label", x: node.x + 34, y: kind ? middle - 1.5 : middle + 4.2 },
      shortened(node.id, node.w - pile - 42),
    ),
  );
  if (kind) shell.append(draw("text", { class: "nbf-kind", x: node.x + 34, y: middle + 11.5 }, kind));
  const more = node.doc ? `\n${node.doc}` : "";
  return { key: nodeKey(node.id), shell, place, title, more, name: node.id, members: [node.id] };
}

/**
 * A line between two boxes, wide enough to be pointed at.
 * @param head the id of the arrowhead
 * @param why where its reason is shown
 */
function edgeLine(edge, head, why) {
  const node = draw(
    "g",
    { class: `nbf-edge nbf-${edge.kind}${edge.loose ? " nbf-loose" : ""}` },
    draw("title", {}, `${edge.from} → ${edge.to}\n${edge.why}`),
    draw("path", { class: "nbf-line", d: edge.path, "marker-end": `url(#${head})` }),
    draw("path", { class: "nbf-reach", d: edge.path }),
  );
  node.addEventListener("pointerenter", () =>
    fill(why, make("b", {}, `${edge.from} → ${edge.to} `), edge.why),
  );
  node.addEventListener("pointerleave", () => fill(why));
  return { node, ends: [nodeKey(edge.from, edge.from_group), nodeKey(edge.to, edge.to_group)] };
}
