// The issues: what waits, what is being written, what went out.

import { h, swap } from "./dom.js";

const GROUPS = [
  ["Queue", new Set(["queued", "held", "changed", "sending", "planned", "paused"])],
  ["Being written", new Set(["ready", "draft", "hold", "broken"])],
  ["Sent", new Set(["sent", "cancelled"])],
];
export const WORDS = {
  queued: "queued", held: "held", changed: "changed", sending: "sending", planned: "planned", paused: "paused",
  ready: "ready", draft: "draft", hold: "on hold", broken: "broken", sent: "sent", cancelled: "cancelled",
};

/** The issues in the order in which they are shown. */
export function ordered(board) {
  const place = new Map(board.queue.map((slug, index) => [slug, index]));
  return GROUPS.flatMap(([, states]) => {
    const issues = board.issues.filter((issue) => states.has(issue.state));
    if (states.has("queued")) return issues.sort((a, b) => (place.get(a.slug) ?? -1) - (place.get(b.slug) ?? -1));
    return states.has("sent") ? issues.reverse() : issues;
  });
}

export function drawList(container, board, current, words) {
  const shown = ordered(board).filter((issue) => matches(issue, words));
  const groups = GROUPS.map(([title, states]) => [title, shown.filter((issue) => states.has(issue.state))]);
  swap(container, groups.filter(([, issues]) => issues.length).map(([title, issues]) => [
    h("h2", {}, title, " ", h("span", { class: "count" }, String(issues.length))),
    h("ol", {}, issues.map((issue) => h("li", {}, h("a", {
      href: `#${encodeURIComponent(issue.name)}`, "data-key": issue.name, "aria-current": issue.name === current ? "page" : null,
    },
    h("span", { class: "number" }, issue.number ? String(issue.number) : ""),
    h("span", { class: "name", dir: "auto" }, issue.title),
    h("span", { class: `note state-${issue.state}` }, h("i", { class: "mark", "aria-hidden": "true" }), issue.note && issue.state !== "ready" ? issue.note : WORDS[issue.state])))))]),
  shown.length ? null : h("p", { class: "dim pad" }, board.issues.length ? "None fits." : "No issue yet: newsletter new \"A title\""));
}

const matches = (issue, words) => {
  const all = `${issue.number ?? ""} ${issue.title} ${issue.slug} ${issue.name} ${issue.state}`.toLowerCase();
  return words.toLowerCase().split(" ").every((word) => all.includes(word));
};
