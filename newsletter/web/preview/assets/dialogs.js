// Dialogs: what to do, confirmed; keys; the palette. One dialog element for all of them, which the browser makes modal.

import { $, h, plural } from "./dom.js";
import { commandOf } from "./side.js";

const dialog = $("#dialog");
const PAUSE = 120; // milliseconds
let back = null;

export function open(kind, ...content) {
  if (!dialog.open) back = document.activeElement;
  dialog.className = kind;
  dialog.replaceChildren(...content.filter(Boolean));
  if (!dialog.open) dialog.showModal();
}

export const close = () => dialog.close();
dialog.addEventListener("close", () => back?.focus?.({ preventScroll: true }));
dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });

/** Ask before `action` is done; resolves to what to send with it, or null. */
export function confirm(action, sheet, addresses) {
  return new Promise((resolve) => {
    let answer = null;
    const { outcome } = sheet;
    const boxes = addresses.map((address) => h("input", { type: "checkbox", value: address, checked: true }));
    const yes = h("button", { type: "submit", class: "main" }, action.id === "test" ? "Send the test" : "Approve");
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      answer = { to: boxes.filter((box) => box.checked).map((box) => box.value) };
      if (action.id === "test" && !answer.to.length) return;
      close();
    } },
    h("h2", { id: "dialog-title" }, action.id === "test" ? "Send a test" : sheet.outcome.approved ? "Approve again" : "Approve"),
    h("p", { class: "subject", dir: "auto" }, sheet.inbox.subject),
    action.id === "test"
      ? h("fieldset", {}, h("legend", {}, `Through ${outcome.through}, marked as a test, to:`), boxes.map((box) => h("label", {}, box, box.value)))
      : h("p", {}, outcome.slot ? ["It goes out ", h("strong", {}, outcome.slot.text), `, to ${outcome.readers.toLocaleString("en")} readers, byte for byte as you see it now.`]
        : "No coming slot takes it as it is dated; it waits in the queue."),
    action.id === "approve" ? against(sheet.findings) : null,
    commandOf(action),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Cancel"), yes));
    open("confirm", form);
    yes.focus();
    dialog.addEventListener("close", () => resolve(answer), { once: true });
  });
}

/** What stands against an issue and does not keep it from being approved; that it changed since, approving mends. */
function against(findings) {
  const kinds = ["error", "warning"].map((kind) => [kind, findings.filter((finding) => finding.severity === kind && finding.rule !== "approval-stale").length]);
  const said = kinds.filter(([, count]) => count).map(([kind, count]) => plural(count, kind));
  return said.length ? h("p", { class: "notice" }, `Against it: ${said.join(", ")}.`) : null;
}

/** Why an action cannot be done now, with the command all the same. */
export function explain(action) {
  open("confirm", h("h2", { id: "dialog-title" }, action.label.replace("…", "")), h("p", {}, `Not now: ${action.blocked}.`), commandOf(action),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "main", autofocus: true, onclick: close }, "Close")));
}

export function help(keys) {
  open("help", h("h2", { id: "dialog-title" }, "Keys"),
    h("dl", {}, keys.map(([names, text]) => h("div", {}, h("dt", {}, names.map((name) => h("kbd", {}, name))), h("dd", {}, text)))),
    h("div", { class: "buttons" }, h("button", { type: "button", class: "main", autofocus: true, onclick: close }, "Close")));
}

/** Choose from `entries` ([label, note, run]) by typing. `more(words)` may give further ones later. */
export function palette(entries, label = "Find an issue or something to do", more = null) {
  let chosen = 0;
  let shown = [];
  let extra = [];
  const list = h("ul", { role: "listbox", id: "choices", "aria-label": label });
  const input = h("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "choices", "aria-label": label, "aria-autocomplete": "list",
    placeholder: label, autocomplete: "off", spellcheck: "false",
  });
  const draw = () => {
    const words = input.value.toLowerCase();
    shown = [...entries.map((entry) => [score(entry[0].toLowerCase(), words), entry]).filter(([points]) => points > 0)
      .sort((a, b) => b[0] - a[0]).map(([, entry]) => entry), ...extra].slice(0, 60);
    chosen = Math.min(chosen, Math.max(0, shown.length - 1));
    list.replaceChildren(...shown.map(([text, note], index) => h("li", {
      role: "option", id: `choice-${index}`, "aria-selected": String(index === chosen), onclick: () => take(index),
    }, h("span", { dir: "auto" }, text), h("span", { class: "dim" }, note))));
    input.setAttribute("aria-activedescendant", shown.length ? `choice-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  const take = (index) => {
    const entry = shown[index];
    if (!entry) return;
    back = null;
    close();
    entry[2]();
  };
  input.addEventListener("input", async () => {
    chosen = 0;
    const words = input.value;
    extra = [];
    draw();
    if (!more || words.trim().length < 2) return;
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); }); // a question for a word, not for each letter
    if (words !== input.value || !dialog.open) return;
    const found = await more(words).catch(() => []);
    if (words !== input.value || !dialog.open) return;
    extra = found;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % Math.max(1, shown.length);
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(chosen);
    }
  });
  open("palette", h("h2", { id: "dialog-title", class: "hidden" }, label), input, list);
  draw();
  input.focus();
}

/** How well `words` fit: all letters in their order; better the closer together and the earlier. */
function score(text, words) {
  if (!words) return 1;
  const whole = text.indexOf(words);
  if (whole >= 0) return 1000 - whole;
  let at = -1;
  let spread = 0;
  for (const letter of words) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return 0;
    spread += at < 0 ? 0 : next - at - 1;
    at = next;
  }
  return Math.max(1, 400 - 10 * spread);
}
