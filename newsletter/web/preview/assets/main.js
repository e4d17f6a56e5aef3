// The desk: asks what there is, draws it, listens for changes, takes keys. Everything shown comes from the server.

import * as api from "./api.js";
import { confirm, explain, help, palette } from "./dialogs.js";
import { $, copy, h, toast } from "./dom.js";
import { listen, onWake } from "./events.js";
import { drawList, ordered } from "./list.js";
import { locator, show } from "./locate.js";
import { calendar } from "./calendar.js";
import { IMAGES, LOOKS, Pane, SINCE, VIEWS, WIDTHS } from "./pane.js";
import { TABS, drawSide } from "./side.js";
import { countdown, tick } from "./time.js";

const FIRST = { view: "email", width: "600", look: "light", images: "held", edition: "now", since: "" };
const kept = read();
const state = {
  board: null, sheet: null, name: decodeURIComponent(location.hash.slice(1)), version: 0, heard: 0,
  reader: "ada", readerLabel: "Ada Sample", direction: "", split: false, words: "", lost: false,
};
const asked = () => ({ name: state.name, reader: state.reader, label: state.readerLabel, direction: state.direction });
const panes = [new Pane("The issue", { ...FIRST, ...kept.first }, asked, keep), new Pane("Beside it", { ...FIRST, width: "375", look: "dark", ...kept.second }, asked, keep, true)];
for (const pane of panes) pane.onkey = onKey;
panes[0].onreader = () => chooseReader();
panes[0].ondrawn = () => drawMarks();

const desk = {
  tab: kept.tab ?? "findings",
  facts: kept.facts ?? false,
  against: "",
  setTab(name) {
    desk.tab = name;
    keep();
    drawAside();
  },
  async goto(seek) {
    if (panes[0].choice.view !== "email") await panes[0].set("view", "email");
    const found = locator(panes[0].page)(seek);
    if (!show(found)) toast("its place shows nothing in the email", "calm");
  },
  page: () => (panes[0].choice.view === "email" ? panes[0].page : null),
  act,
  async mark(since) {
    if (panes[0].choice.view !== "email" && panes[0].choice.view !== "web") panes[0].choice.view = "email";
    panes[0].choice.since = "";
    await panes[0].set("since", since);
    panes[0].step(1);
  },
  async compare(edition) {
    Object.assign(panes[1].choice, { view: panes[0].choice.view, width: panes[0].choice.width, look: panes[0].choice.look, edition });
    panes[1].drawBar();
    await split(true);
  },
};

function read() {
  try {
    return JSON.parse(localStorage.getItem("newsletter-preview")) ?? {};
  } catch {
    return {};
  }
}

function keep() {
  const [first, second] = panes.map((pane) => ({ ...pane.choice, edition: "now", since: "" }));
  try {
    localStorage.setItem("newsletter-preview", JSON.stringify({ ...read(), first, second, tab: desk.tab, facts: desk.facts }));
  } catch { /* private windows forget, that is all */ }
}

// ---- what there is -------------------------------------------------------------------------------------------------

let running = null;
let again = false;

/** Ask for everything that is shown; calls that come meanwhile are one more call at the end. */
function refresh() {
  if (running) {
    again = true;
    return running;
  }
  running = (async () => {
    do {
      again = false;
      await load();
    } while (again);
    running = null;
  })();
  return running;
}

async function load() {
  const { name, heard } = state;
  try {
    if (name) await Promise.all(visible().map((pane) => pane.update())); // first what is looked at
    const sheet = name ? api.sheet(name, panes[0].query).catch((error) => ({ error })) : Promise.resolve(null);
    state.board = await api.board();
    if (!name && state.board.issues.length) { // the one that goes out next
      choose((state.board.issues.find((issue) => issue.slug === state.board.next_issue) ?? ordered(state.board)[0]).name);
      again = true;
      return;
    }
    const found = await sheet;
    if (name !== state.name) {
      again = true;
      return;
    }
    state.sheet = found?.error ? null : found;
    state.failure = found?.error ?? null;
    state.version = heard;
    draw();
  } catch (error) {
    state.failure = error;
    drawBanner();
  }
}

const visible = () => (state.split ? panes : panes.slice(0, 1));

function draw() {
  drawTop();
  drawBanner();
  drawRows();
  drawAside();
  drawMarks();
  for (const pane of visible()) if (pane.choice.view === "inbox") pane.update(state.sheet); else pane.sheet = state.sheet;
  document.documentElement.dataset.version = state.version;
}

const drawMarks = () => panes[0].mark(state.sheet?.findings ?? [], desk.goto);

let lastTop = "";
function drawTop() {
  const { board } = state;
  const text = JSON.stringify([board.publication, board.next_slot, board.next_issue, board.read_only]);
  if (text === lastTop) return;
  lastTop = text;
  $("#brand").textContent = board.publication;
  const what = board.next_issue ? h("b", {}, board.next_issue) : h("span", { class: "dim" }, "nothing is queued");
  $("#next").replaceChildren(h("span", { class: "dim" }, "Next slot "), h("span", { class: "slot-text" }, board.next_slot.text), " ",
    h("span", { class: "countdown", "data-at": board.next_slot.starts_at }, countdown(board.next_slot.starts_at)), " ", what,
    ...(board.read_only ? [" ", h("span", { class: "chip" }, "read-only")] : []));
}

let lastRows = "";
function drawRows() {
  const text = JSON.stringify([state.board.issues, state.board.queue, state.name, state.words]);
  if (text === lastRows) return;
  lastRows = text;
  drawList($("#rows"), state.board, state.name, state.words);
}

let lastSide = "";
function drawAside() {
  const text = JSON.stringify([state.sheet, desk.tab]);
  if (text === lastSide && desk.tab !== "reading") return;
  lastSide = text;
  if (state.sheet) {
    drawSide($("#side"), state.sheet, desk);
    document.title = `${state.sheet.title} – preview`;
  } else $("#side").replaceChildren();
}

function drawBanner() {
  const problem = state.lost ? { message: "The preview has stopped.", hint: "Start it again: newsletter preview" }
    : state.failure ? { message: state.failure.message, hint: state.failure.hint }
      : state.board?.problem ?? state.sheet?.problem ?? null;
  const banner = $("#banner");
  document.body.classList.toggle("stale", Boolean(problem));
  const key = JSON.stringify(problem);
  if (banner.dataset.key === key) return;
  banner.dataset.key = key;
  banner.hidden = !problem;
  banner.replaceChildren(...(problem ? [
    h("p", {}, h("strong", {}, problem.message)),
    problem.hint ? h("p", {}, problem.hint) : null,
    h("p", { class: "tail" }, state.sheet && !state.lost ? "Below: the last version that could be shown. " : "", problem.editor ? h("a", { href: problem.editor }, `Open ${problem.file}${problem.line ? `:${problem.line}` : ""}`) : null),
  ].filter(Boolean) : []));
}

// ---- what a person does --------------------------------------------------------------------------------------------

function choose(name) {
  if (!name || name === state.name) return;
  state.name = name;
  desk.against = "";
  for (const pane of panes) if (pane.choice.edition !== "now") Object.assign(pane.choice, { edition: "now" }), pane.drawBar();
  if (decodeURIComponent(location.hash.slice(1)) !== name) history.pushState(null, "", `#${encodeURIComponent(name)}`);
  document.body.classList.remove("show-list");
  if (state.board) drawRows();
  $("#rows [aria-current]")?.scrollIntoView({ block: "nearest" });
  refresh();
}

function step(by) {
  if (!state.board) return;
  const names = ordered(state.board).map((issue) => issue.name);
  const next = names[names.indexOf(state.name) + by];
  if (next) choose(next);
}

async function split(on = !state.split) {
  state.split = on;
  if (on) $("#panes").append(panes[1].element); // the first one stays where it is: a frame that is moved loads again
  else {
    panes[1].element.remove();
    panes[1].shown = "";
    panes[1].leave?.();
  }
  document.body.classList.toggle("split", on);
  await Promise.all(visible().map((pane) => pane.update(state.sheet)));
}

async function act(action) {
  if (action.blocked) {
    explain(action);
    return;
  }
  let words = { to: [] };
  if (action.id === "test" || action.id === "approve") {
    const addresses = action.id === "test" ? state.board.test_addresses.map(plainAddress) : [];
    words = await confirm(action, state.sheet, addresses);
    if (!words) return;
  }
  try {
    const done = await api.act(action.id, { name: state.name, digest: state.sheet.digest, ...words });
    toast(done.message);
  } catch (error) {
    toast([error.message, error.hint].filter(Boolean).join(". "), "bad");
  }
  await refresh();
}

const plainAddress = (mailbox) => mailbox.match(/<([^<>]+)>/)?.[1] ?? mailbox.trim();

async function chooseReader() {
  const entry = (reader) => [reader.label, reader.note, () => { setReader(reader); }];
  palette((await api.readers(state.name)).map(entry), "As which reader? A name or an address", async (words) => (await api.readers(state.name, words)).map(entry));
}

function stepChange(by) {
  if (panes[0].step(by)) return;
  toast(panes[0].choice.since ? "nothing is marked" : "mark what changed first: v", "calm");
}

async function openCalendar(month = "") {
  try {
    calendar(await api.month(month), openCalendar, choose);
  } catch (error) {
    toast(error.message, "bad");
  }
}

function setReader(reader) {
  state.reader = reader.key;
  state.readerLabel = reader.label;
  panes[0].drawBar();
  toast(`as ${reader.label} reads it`);
  refresh();
}

function setDirection() {
  const now = state.direction || state.sheet?.direction || "ltr";
  state.direction = now === "rtl" ? "ltr" : "rtl";
  toast(state.direction === "rtl" ? "right to left" : "left to right");
  refresh();
}

function share() {
  if (!state.sheet) {
    toast("there is nothing to export", "calm");
    return;
  }
  const link = h("a", { href: `/share/${encodeURIComponent(state.name)}`, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

async function copyHtml() {
  if (!state.sheet) {
    toast("there is nothing to copy", "calm");
    return;
  }
  await copy(await api.text(`/source/${encodeURIComponent(state.name)}?of=html&reader=${state.reader}`), "HTML");
}

let at = -1;
function nextFinding(by) {
  const buttons = [...document.querySelectorAll("[data-finding]")];
  if (!buttons.length) {
    if (desk.tab === "findings") toast("nothing found", "calm");
    else desk.setTab("findings");
    return;
  }
  at = (at + by + buttons.length) % buttons.length;
  buttons[at].focus();
  buttons[at].click();
}

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("newsletter-preview", JSON.stringify({ ...read(), theme: next }));
  } catch { /* see keep */ }
}

function entries() {
  const acts = (fit) => (state.sheet?.actions ?? []).filter((action) => action.fits === fit).map((action) => [
    action.label.replace("…", ""), action.blocked ? `not now: ${action.blocked}` : action.cli, () => act(action)]);
  return [
    ...acts(true),
    ...VIEWS.map(([value, text], index) => [`View: ${text}`, String(index + 1), () => panes[0].set("view", value)]),
    ...WIDTHS.map(([value, text]) => [`Width: ${text}`, "w", () => panes[0].set("width", value)]),
    ...LOOKS.map(([value, text]) => [`Light: ${text}`, "d", () => panes[0].set("look", value)]),
    ...IMAGES.map(([value, text]) => [`Images: ${text}`, "i", () => panes[0].set("images", value)]),
    ["Read as another reader", "r", chooseReader],
    ["Right to left, or left to right", "x", setDirection],
    ["Calendar of the month", "m", () => openCalendar()],
    ...SINCE.map(([value, text]) => [value ? `Mark what changed: ${text.toLowerCase()}` : text, "v", () => (value ? desk.mark(value) : panes[0].set("since", ""))]),
    ["Side by side", "s", () => split()],
    ["Side by side with the approved edition", "", () => desk.compare("approved")],
    ["Side by side with the last issue sent", "", () => desk.compare("last")],
    ...TABS.map(([value, text]) => [`Show: ${text}`, "", () => desk.setTab(value)]),
    ["Copy the email's HTML", "c", copyHtml],
    ["Export one HTML file to share", `newsletter preview ${state.sheet?.slug ?? "ISSUE"} --share FILE`, share],
    ["Open in the editor", "e", openEditor],
    ["Light or dark page", "", theme],
    ...acts(false),
    ...(state.board ? ordered(state.board) : []).map((issue) => [issue.title, issue.slug, () => choose(issue.name)]),
  ];
}

function openEditor() {
  if (state.sheet?.open) location.href = state.sheet.open;
  else toast("no editor is known: set EDITOR, or [preview] editor in newsletter.toml", "calm");
}

const KEYS = [
  [["Ctrl", "K"], "find an issue or something to do"],
  [["j"], "next issue"], [["k"], "previous issue"], [["/"], "filter the issues"],
  [["1", "…", "7"], "views: email, text, web page, inbox, HTML, message, headers"],
  [["w"], "width: 375, 600, full"], [["d"], "light, dark, inverted"], [["i"], "images"], [["r"], "as which reader"], [["x"], "right to left"],
  [["v"], "mark what changed"], [["."], "next change"], [[","], "previous change"],
  [["s"], "side by side"], [["m"], "calendar of the month"], [["n"], "next finding"], [["p"], "previous finding"],
  [["t"], "send a test"], [["a"], "approve"], [["h"], "hold or release"],
  [["c"], "copy the HTML"], [["e"], "open in the editor"], [["?"], "these keys"],
];
const doing = (...ids) => () => {
  const action = state.sheet?.actions.find((one) => ids.includes(one.id));
  if (action) act(action);
};
const ON_KEY = {
  j: () => step(1), k: () => step(-1), w: () => panes[0].cycle("width", WIDTHS), d: () => panes[0].cycle("look", LOOKS),
  i: () => panes[0].cycle("images", IMAGES), r: chooseReader, x: setDirection, s: () => split(), n: () => nextFinding(1), p: () => nextFinding(-1),
  v: () => panes[0].cycle("since", SINCE), ".": () => stepChange(1), ",": () => stepChange(-1), m: () => openCalendar(),
  t: doing("test"), a: doing("approve"), h: doing("hold", "release"), c: copyHtml, e: openEditor, "?": () => help(KEYS),
  "/": () => { document.body.classList.add("show-list"); $("#filter").focus(); },
};
VIEWS.forEach(([value], index) => { ON_KEY[String(index + 1)] = () => panes[0].set("view", value); });

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette(entries());
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || $("#dialog").open) return;
  if (event.target.closest?.("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const run = ON_KEY[event.key];
  if (!run) return;
  event.preventDefault();
  run();
}

function toggle(name, button) {
  const on = document.body.classList.toggle(name);
  button.setAttribute("aria-expanded", String(on));
}

// ---- begin ---------------------------------------------------------------------------------------------------------

if (kept.theme) document.documentElement.dataset.theme = kept.theme;
$("#panes").replaceChildren(panes[0].element);
$("#open-palette").addEventListener("click", () => palette(entries()));
$("#open-help").addEventListener("click", () => help(KEYS));
$("#toggle-theme").addEventListener("click", theme);
$("#show-list").addEventListener("click", (event) => toggle("show-list", event.currentTarget));
$("#show-side").addEventListener("click", (event) => toggle("show-side", event.currentTarget));
$("#filter").addEventListener("input", (event) => {
  state.words = event.target.value;
  if (state.board) drawRows();
});
$("#filter").addEventListener("keydown", (event) => {
  if (event.key === "Enter") $("#rows a")?.click();
});
addEventListener("keydown", onKey);
addEventListener("popstate", () => choose(decodeURIComponent(location.hash.slice(1))));
addEventListener("hashchange", () => choose(decodeURIComponent(location.hash.slice(1))));
setInterval(tick, 1000);
setInterval(() => { if (!document.hidden) refresh(); }, 60000);

onWake(refresh); // whatever was missed while it slept
let start = "";
listen((news) => {
  if (news.lost) {
    state.lost = true;
    drawBanner();
    return;
  }
  if (start && news.start !== start) {
    location.reload();
    return;
  }
  start = news.start;
  const was = state.lost;
  state.lost = false;
  state.heard = news.version;
  if (was || news.version !== state.version) refresh();
});
refresh();
