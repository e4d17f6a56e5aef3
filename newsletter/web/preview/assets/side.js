// What stands beside the email: what will happen to the issue, and behind tabs what is to be said of it.

import * as api from "./api.js";
import { contrast } from "./contrast.js";
import { countdown } from "./time.js";
import { copy, h, kilobytes, plural, swap } from "./dom.js";
import { WORDS } from "./list.js";

export const TABS = [
  ["findings", "Findings"], ["links", "Links"], ["size", "Size"], ["reading", "Reading"], ["clients", "Clients"], ["changes", "Changes"],
];

/** Draw the side. `desk` offers {tab, setTab, goto(seek), page(), act(action), compare(edition), mark(since)}. */
export function drawSide(container, sheet, desk) {
  swap(container, card(sheet, desk), tabs(sheet, desk), h("div", {
    class: "panel", role: "tabpanel", id: "panel", tabindex: "0", "aria-labelledby": `tab-${desk.tab}`, "data-key": "panel",
  }, PANELS[desk.tab](sheet, desk)));
}

function card(sheet, desk) {
  const { outcome } = sheet;
  const rows = [
    outcome.sent ? ["Sent", outcome.sent.at] : null,
    ["Readers", `${outcome.readers.toLocaleString("en")}${outcome.segment ? ` of ${outcome.segment}` : ""}${outcome.skipped ? `; ${outcome.skipped.toLocaleString("en")} skipped` : ""}`],
    ["From", outcome.sender], outcome.reply_to ? ["Answers to", outcome.reply_to] : null,
    ["Through", outcome.through],
    !outcome.sent && outcome.ahead.length ? ["Before it", outcome.ahead.slice(0, 3).join(", ") + (outcome.ahead.length > 3 ? ` and ${outcome.ahead.length - 3} more` : "")] : null,
    outcome.changeable ? ["Changeable", outcome.changeable] : null,
    outcome.approved ? ["Approved", `${outcome.approved.at}${outcome.approved.by ? ` by ${outcome.approved.by}` : ""}`] : null,
  ].filter(Boolean);
  const { slot } = outcome;
  return h("section", { class: "card", "aria-label": "What will happen" },
    h("h2", {}, h("span", { class: `chip state-${sheet.state}` }, h("i", { class: "mark", "aria-hidden": "true" }), WORDS[sheet.state] ?? sheet.state),
      h("span", { class: "title", dir: "auto" }, sheet.title)),
    h("p", { class: "where" }, sheet.open ? h("a", { href: sheet.open, "data-key": "open-file" }, sheet.file) : h("code", {}, sheet.file)),
    h("p", { class: "sentence" }, outcome.sentence),
    slot ? h("p", { class: "slot" }, h("strong", {}, slot.text), h("span", { class: "countdown", "data-at": slot.starts_at }, countdown(slot.starts_at))) : null,
    outcome.approved && !outcome.approved.same && !outcome.sent
      ? h("p", { class: "notice" }, "What was approved looks different from what you see. ",
        h("button", { type: "button", class: "link", "data-key": "compare", onclick: () => desk.mark("approved") }, "See what changed")) : null,
    h("div", { class: "actions" }, sheet.actions.filter((action) => action.fits).map((action) => button(action, desk))),
    h("details", { class: "facts", open: desk.facts, ontoggle: (event) => { desk.facts = event.target.open; } }, h("summary", { "data-key": "facts" }, "In detail"),
      h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))));
}

function button(action, desk) {
  const main = action.id === "approve";
  return h("button", {
    type: "button", class: main ? "main" : "", "data-key": `do-${action.id}`, "data-action": action.id,
    "aria-disabled": action.blocked ? "true" : null, title: action.blocked ? `Not now: ${action.blocked}` : action.cli,
    onclick: () => desk.act(action),
  }, action.label);
}

function tabs(sheet, desk) {
  const bad = sheet.findings.filter((finding) => finding.severity !== "info").length;
  const badge = { findings: bad, links: sheet.links.filter((link) => link.state === "wrong").length, size: sheet.size.bytes > sheet.size.near ? 1 : 0 };
  const step = (event) => {
    const at = TABS.findIndex(([name]) => name === desk.tab);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    desk.setTab(TABS[(next + TABS.length) % TABS.length][0]);
    document.getElementById(`tab-${desk.tab}`)?.focus();
  };
  return h("div", { class: "tabs", role: "tablist", "aria-label": "About the issue", onkeydown: step }, TABS.map(([name, label]) => h("button", {
    type: "button", role: "tab", id: `tab-${name}`, "data-key": `tab-${name}`, "aria-controls": "panel",
    "aria-selected": String(desk.tab === name), tabindex: desk.tab === name ? "0" : "-1", onclick: () => desk.setTab(name),
  }, label, badge[name] ? h("span", { class: "badge" }, String(badge[name])) : null)));
}

const PANELS = {
  findings: (sheet, desk) => {
    if (!sheet.findings.length) return h("p", { class: "good" }, "Nothing found. It is ready.");
    return h("ol", { class: "findings" }, sheet.findings.map((finding, index) => h("li", { class: finding.severity },
      h("button", {
        type: "button", class: "finding", "data-key": `finding-${index}`, "data-finding": index,
        onclick: () => desk.goto(finding.seek),
      }, h("span", { class: "severity" }, finding.severity), h("span", { class: "message" }, finding.message),
      finding.fix ? h("span", { class: "fix" }, finding.fix) : null),
      h("p", { class: "place" }, finding.open ? h("a", { href: finding.open, "data-key": `open-${index}` }, finding.place) : h("span", {}, finding.place), h("code", {}, finding.rule)))));
  },

  links: (sheet, desk) => [
    sheet.links.some((link) => link.state !== "own") ? h("p", { class: "pair" }, sheet.actions.filter((action) => action.id === "links").map((action) => button(action, desk)),
      h("span", { class: "dim" }, "asks each address on the web")) : null,
    h("ol", { class: "links" }, sheet.links.map((link, index) => h("li", { class: link.state },
      h("button", { type: "button", class: "finding", "data-key": `link-${index}`, onclick: () => desk.goto({ target: link.href, text: link.text }) },
        h("span", { class: "message", dir: "auto" }, link.text || "(no text)"), h("span", { class: "address" }, link.href), h("span", { class: "fix" }, link.note))))),
  ],

  size: (sheet) => {
    const { bytes, limit, near, parts, costly } = sheet.size;
    const share = Math.min(1, bytes / (limit * 1.15));
    const fill = h("i", { class: bytes > limit ? "over" : bytes > near ? "near" : "" });
    fill.style.inlineSize = `${share * 100}%`;
    const line = h("b", {});
    line.style.insetInlineStart = `${100 / 1.15}%`;
    return [
      h("p", { class: "big" }, kilobytes(bytes), h("span", {}, ` of ${limit / 1024} KB`)),
      h("div", { class: "meter", role: "img", "aria-label": `${kilobytes(bytes)} of the ${limit / 1024} KB that Gmail shows` }, fill, line),
      h("p", { class: "dim" }, bytes > limit ? "Gmail cuts it and hides the rest, the unsubscribe link too." : bytes > near ? "Near the point where Gmail cuts it." : "Gmail shows all of it."),
      h("h3", {}, "Spent on"), bars(parts, bytes),
      costly.length ? [h("h3", {}, "The heaviest sections"), bars(costly, bytes)] : null,
    ];
  },

  reading: (sheet, desk) => {
    const worst = contrast(desk.page()).filter((entry, index) => index < 3 || entry.ratio < entry.needed).slice(0, 12);
    const blind = sheet.images.filter((image) => image.alt === null);
    return [
      h("p", { class: "dim" }, `Language ${sheet.language}, ${sheet.direction === "rtl" ? "right to left" : "left to right"}.`),
      h("h3", {}, "Outline"),
      h("ol", { class: "outline" }, sheet.outline.map((heading) => h("li", { class: `level-${heading.level}` }, h("span", { class: "kind" }, `h${heading.level}`),
        h("span", { dir: "auto" }, heading.text), heading.skips ? h("em", {}, "a level is left out before it") : null))),
      h("h3", {}, "Contrast"),
      worst.length ? h("ol", { class: "contrast" }, worst.map((entry) => h("li", { class: entry.ratio < entry.needed ? "bad" : "" },
        h("span", { class: "ratio" }, `${entry.ratio.toFixed(1)}:1`), h("span", { dir: "auto" }, entry.text),
        entry.ratio < entry.needed ? h("em", {}, `needs ${entry.needed}:1`) : null))) : h("p", { class: "dim" }, "Shown for the email view."),
      h("h3", {}, "Images"),
      sheet.images.length ? h("p", { class: blind.length ? "bad" : "" }, `${plural(sheet.images.length, "image")}, ${blind.length ? `${blind.length} without description` : "all described or marked as decoration"}.`) : h("p", { class: "dim" }, "None."),
      h("h3", {}, "Reading order"),
      h("ol", { class: "order" }, sheet.order.map((block) => h("li", {}, h("span", { class: "kind" }, block.kind), h("span", { dir: "auto" }, block.text || "(nothing)")))),
    ];
  },

  clients: (sheet) => {
    const signs = { yes: ["●", "shown"], partly: ["◐", "partly"], no: ["○", "not"], unknown: ["·", "unknown"] };
    if (!sheet.clients.features.length) return h("p", { class: "good" }, "Everything in it is shown everywhere.");
    return [h("p", { class: "dim" }, `What not everybody shows, by caniemail.com (${sheet.clients.date}), and how many of the readers lack it.`),
      h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Client support" }, h("table", { class: "clients" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Uses"), sheet.clients.names.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, sheet.clients.features.map((feature) => h("tr", {},
          h("th", { scope: "row" }, feature.name, h("small", {}, feature.lacking ? `${feature.lacking} % lack it` : "")),
          sheet.clients.names.map((name) => h("td", { class: feature.support[name] }, h("span", { "aria-hidden": "true" }, signs[feature.support[name]][0]),
            h("span", { class: "hidden" }, signs[feature.support[name]][1]))))))))];
  },

  changes: (sheet, desk) => {
    const target = h("div", { class: "difference" });
    const ask = async (against) => {
      desk.against = against;
      target.replaceChildren(h("p", { class: "dim" }, "…"));
      try {
        target.replaceChildren(...difference(await api.difference(sheet.name, against)).filter(Boolean));
      } catch (error) {
        target.replaceChildren(h("p", {}, error.message));
      }
    };
    const pick = (against, label) => h("div", { class: "pair" },
      h("button", { type: "button", "data-key": `against-${against}`, onclick: () => ask(against) }, label),
      h("button", { type: "button", class: "link", "data-key": `marked-${against}`, onclick: () => desk.mark(against) }, "in the email"),
      h("button", { type: "button", class: "link", "data-key": `beside-${against}`, onclick: () => desk.compare(against) }, "side by side"));
    if (desk.against) ask(desk.against);
    return [h("p", { class: "dim" }, "Compare with"), pick("approved", "The approved edition"), pick("last", "The last issue sent"), target];
  },
};

function bars(parts, whole) {
  return h("ol", { class: "bars" }, parts.map((part) => {
    const bar = h("i", {});
    bar.style.inlineSize = `${(100 * part.bytes) / whole}%`;
    return h("li", {}, h("span", { dir: "auto" }, part.name), h("span", { class: "value" }, kilobytes(part.bytes)), bar);
  }));
}

function difference(found) {
  if (found.same) return [h("p", { class: "good" }, "Byte for byte the same.")];
  const [before, after] = found.bytes;
  return [
    h("p", { class: "dim" }, `${kilobytes(before)}, now ${kilobytes(after)}.`),
    found.subject[0] === found.subject[1] ? null : h("p", {}, h("del", {}, found.subject[0]), " ", h("ins", {}, found.subject[1])),
    found.rows.length ? h("div", { class: "diff", dir: "auto" }, found.rows.map((row) => row.kind === "gap" ? h("hr", {})
      : h("p", { class: row.kind }, row.words.map(([mark, text]) => mark === "-" ? h("del", {}, text) : mark === "+" ? h("ins", {}, text) : text))))
      : h("p", {}, "The words are the same; only the looks differ."),
  ];
}

export const commandOf = (action) => h("p", { class: "cli" }, h("code", {}, action.cli), h("button", { type: "button", class: "ghost small", onclick: () => copy(action.cli, "command") }, "Copy"));
