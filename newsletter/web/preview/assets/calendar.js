// A month: which issue goes out when, what went out, where there is no slot. A table, and the same as a list.

import { close, open } from "./dialogs.js";
import { h } from "./dom.js";

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** Show `month`; `turn(month)` asks for another one, `choose(name)` opens an issue. */
export function calendar(month, turn, choose) {
  const go = (where, key, sign, label) => h("button", { type: "button", class: "ghost", "data-turn": key, "aria-label": label, title: label, onclick: () => turn(where) }, sign);
  const held = document.activeElement?.dataset?.turn;
  open("calendar", h("div", { class: "calendar-head" }, h("h2", { id: "dialog-title" }, month.title),
    go(month.previous, "previous", "‹", "Previous month"), go("", "now", "Today", "The month of today"), go(month.next, "next", "›", "Next month"),
    h("button", { type: "button", class: "ghost", "aria-label": "Close", title: "Close", onclick: close }, "✕")),
  h("table", { class: "month", "aria-describedby": "month-zone" },
    h("caption", { class: "hidden" }, `Slots in ${month.title}`),
    h("thead", {}, h("tr", {}, DAYS.map((day) => h("th", { scope: "col", abbr: day }, h("span", { "aria-hidden": "true" }, day.slice(0, 3)), h("span", { class: "hidden" }, day))))),
    h("tbody", {}, month.weeks.map((week) => h("tr", {}, week.map((day) => (day ? cell(day, choose) : h("td", { class: "outside" }))))))),
  h("h3", {}, "Slots"),
  list(month, choose),
  h("p", { class: "dim", id: "month-zone" }, `Times of ${month.zone}, as the queue stands now. The same as a command: newsletter calendar`));
  document.querySelector(`[data-turn="${held ?? "next"}"]`)?.focus();
  document.getElementById("dialog").onkeydown = (event) => {
    const where = { PageUp: month.previous, PageDown: month.next, ArrowLeft: month.previous, ArrowRight: month.next }[event.key];
    if (!where || !document.querySelector("dialog.calendar")) return;
    event.preventDefault();
    turn(where);
  };
}

function cell(day, choose) {
  return h("td", { class: `${day.today ? "today" : ""} ${day.skipped ? "skipped" : ""}`, "aria-current": day.today ? "date" : null },
    h("span", { class: "day", "aria-hidden": "true" }, String(day.day)), h("span", { class: "hidden" }, day.text),
    day.skipped ? h("span", { class: "what", title: day.skipped }, "no slot") : null,
    day.slots.map((slot) => h("span", { class: `what slot-${slot.state}` }, h("i", { class: "mark", "aria-hidden": "true" }), h("span", { class: "at" }, slot.time), " ", issue(slot, choose))));
}

const told = (slot) => slot.state !== "over"; // of slots before the first issue there is nothing to say

function list(month, choose) {
  const rows = month.weeks.flat().filter((day) => day && (day.skipped || day.slots.some(told)));
  if (!rows.length) return h("p", { class: "dim" }, "Nothing went out and nothing will.");
  return h("ol", { class: "slots" }, rows.flatMap((day) => [
    day.skipped ? h("li", {}, h("span", {}, day.text), h("span", { class: "dim" }, `no slot: ${day.skipped}`)) : null,
    ...day.slots.filter(told).map((slot) => h("li", {}, h("span", {}, `${day.text}, ${slot.time}`), h("span", { class: `slot-${slot.state}` }, issue(slot, choose), slot.slug ? ` ${slot.words}` : ""))),
  ]));
}

function issue(slot, choose) {
  if (!slot.slug) return slot.words;
  if (!slot.name) return slot.slug;
  return h("button", { type: "button", class: "link", title: `${slot.slug}: ${slot.words}`, onclick: () => { close(); choose(slot.name); } }, slot.slug);
}
