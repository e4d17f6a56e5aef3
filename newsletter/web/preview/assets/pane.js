// One view of the issue: the email at a width and in a light, the web page, texts and sources, the inbox.

import * as api from "./api.js";
import { $, copy, h, plural } from "./dom.js";
import { inbox } from "./inbox.js";
import { locator, show } from "./locate.js";
import { flash, morph, parsed } from "./morph.js";

export const VIEWS = [
  ["email", "Email"], ["text", "Text"], ["web", "Web page"], ["inbox", "Inbox"],
  ["html", "HTML"], ["mime", "Message"], ["headers", "Headers"],
];
export const WIDTHS = [["375", "375"], ["600", "600"], ["full", "Full"]];
export const LOOKS = [["light", "Light"], ["dark", "Dark"], ["inverted", "Inverted"]];
export const IMAGES = [["held", "Images held"], ["shown", "Images shown"], ["off", "Images off"]];
export const SINCE = [["", "No marks"], ["approved", "Since approval"], ["last", "Since last sent"]];
export const EDITIONS = [["now", "As it is now"], ["approved", "As approved"], ["last", "The last one sent"]];

const FRAMED = new Set(["email", "web", "text"]);
const MARKED = 60; // marks beside the email; each is looked for in its words
const whenIdle = globalThis.requestIdleCallback?.bind(globalThis) ?? ((work) => setTimeout(() => work({ timeRemaining: () => 10 }), 50));
const CHUNK = 200; // lines drawn as one block; blocks out of sight are not laid out

export class Pane {
  /** `choice` is {view, width, look, images, edition}; `asked()` gives {name, reader, label, direction}; `keep` is told of choices. */
  constructor(label, choice, asked, keep, second = false) {
    this.label = label;
    this.choice = choice;
    this.asked = asked;
    this.keep = keep;
    this.second = second;
    this.shown = "";
    this.at = null; // the change that was gone to
    this.steps = h("div", { class: "steps", role: "group", "aria-label": "What changed" });
    this.bar = h("div", { class: "bar", role: "toolbar", "aria-label": `${label}: what is shown` });
    this.stage = h("div", { class: "stage", tabindex: "-1" });
    this.element = h("section", { class: "pane", "aria-label": label }, this.bar, this.stage);
    this.drawBar();
    new ResizeObserver(() => this.fit()).observe(this.stage);
  }

  /** A frame that is wider than its place is shown smaller, not cut: its lines break as they would at full size. */
  fit() {
    const sheet = $(".sheet", this.stage);
    const width = Number(this.stage.dataset.width);
    if (!sheet) return;
    const scale = width ? Math.min(1, this.stage.clientWidth / width) : 1;
    sheet.classList.toggle("scaled", scale < 1);
    sheet.style.setProperty("--scale", scale);
  }

  get framed() {
    return FRAMED.has(this.choice.view);
  }

  get frame() {
    return $("iframe", this.stage);
  }

  /** The document within the frame, where there is one. */
  get page() {
    return this.frame?.contentDocument ?? null;
  }

  set(part, value) {
    if (this.choice[part] === value) return Promise.resolve();
    this.choice[part] = value;
    this.keep();
    this.drawBar();
    return this.update();
  }

  cycle(part, options) {
    const at = options.findIndex(([value]) => value === this.choice[part]);
    return this.set(part, options[(at + 1) % options.length][0]);
  }

  drawBar() {
    const { view } = this.choice;
    const group = (part, options, label) => h("div", { class: "segments", role: "radiogroup", "aria-label": label },
      options.map(([value, text]) => h("button", {
        type: "button", role: "radio", "aria-checked": String(this.choice[part] === value), "data-key": `${part}-${value}`,
        tabindex: this.choice[part] === value ? "0" : "-1",
        onclick: () => this.set(part, value),
      }, text)));
    const select = (part, options, label) => h("label", { class: "pick" }, h("span", { class: "hidden" }, label),
      h("select", { "data-key": part, onchange: (event) => this.set(part, event.target.value) },
        options.map(([value, text]) => h("option", { value, selected: this.choice[part] === value }, text))));
    const focused = this.bar.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.bar.replaceChildren(...[
      group("view", VIEWS, "View"),
      this.framed && view !== "text" ? group("width", WIDTHS, "Width") : null,
      this.framed && view !== "text" || view === "inbox" ? group("look", view === "inbox" ? LOOKS.slice(0, 2) : LOOKS, "Light") : null,
      view === "email" || view === "web" ? select("images", IMAGES, "Images") : null,
      this.marking && !this.second ? select("since", SINCE, "Marks of what changed") : null,
      this.marking && this.choice.since ? this.steps : null,
      this.second || this.choice.edition !== "now" ? view !== "inbox" && select("edition", EDITIONS, "Which edition") : null,
      this.second ? null : h("button", { type: "button", class: "ghost small", "data-key": "reader", title: "Read as another reader", "aria-label": `As which reader: ${this.asked().label}`, onclick: () => this.onreader?.() }, this.asked().label),
      this.framed || view === "inbox" ? null : h("button", { type: "button", class: "ghost small", onclick: () => copy(this.source ?? "", "it") }, "Copy"),
    ].filter(Boolean));
    if (focused) this.bar.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this.bar.onkeydown = (event) => this.walk(event);
  }

  /** Arrow keys within a group of segments, as for radio buttons. */
  walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const group = event.target.closest("[role=radiogroup]");
    if (!step || !group) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = [...group.children];
    const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  }

  /** Whether what changed can be marked in what is shown. */
  get marking() {
    return (this.choice.view === "email" || this.choice.view === "web") && this.choice.edition === "now";
  }

  /** The places in the email that changed, as they are marked. */
  get changes() {
    return this.marking && this.choice.since ? [...this.page?.querySelectorAll("[data-diff]") ?? []] : [];
  }

  /** Bring the next change (or, with -1, the one before) into sight. */
  step(by) {
    const { changes } = this;
    if (!changes.length) return false;
    this.at = this.at === null ? (by > 0 ? 0 : changes.length - 1) : (this.at + by + changes.length) % changes.length;
    show(changes[this.at]);
    this.drawSteps();
    return true;
  }

  /** How many changes of each kind there are, and the ways from one to the next. */
  drawSteps() {
    const { changes } = this;
    if (this.at !== null && this.at >= changes.length) this.at = null;
    const kinds = ["changed", "added", "removed"].map((kind) => [kind, changes.filter((one) => one.dataset.diff === kind).length]);
    const said = kinds.filter(([, count]) => count).map(([kind, count]) => `${count} ${kind}`).join(", ")
      || $("meta[name=unmarked]", this.page ?? document)?.content || "no word changed";
    const key = `${said} ${this.at}`;
    if (this.steps.dataset.said === key && this.steps.children.length) return;
    this.steps.dataset.said = key;
    const focused = this.steps.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const go = (by, sign, label) => h("button", { type: "button", class: "ghost small", "data-key": `step-${by}`, "aria-label": label, title: label, disabled: !changes.length, onclick: () => this.step(by) }, sign);
    this.steps.replaceChildren(go(-1, "‹", "Previous change"), h("span", { class: "count", role: "status" },
      this.at === null ? said : `${this.at + 1} of ${changes.length}: ${said}`), go(1, "›", "Next change"));
    if (focused) this.steps.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  get query() {
    const { reader, direction } = this.asked();
    const query = new URLSearchParams({ reader, edition: this.choice.edition });
    if (direction) query.set("direction", direction);
    return query;
  }

  address() {
    const name = encodeURIComponent(this.asked().name);
    const query = this.query;
    if (this.framed) {
      query.set("view", this.choice.view);
      query.set("look", this.choice.view === "text" ? "light" : this.choice.look);
      query.set("images", this.choice.images);
      if (this.marking && this.choice.since) query.set("since", this.choice.since);
      return `/frame/${name}?${query}`;
    }
    query.set("of", this.choice.view);
    return `/source/${name}?${query}`;
  }

  /** Show what there is now; calls that come while one is at work are one more round of it. */
  update(sheet = this.sheet) {
    this.sheet = sheet;
    this.wanted = true;
    this.busy ??= (async () => {
      while (this.wanted) {
        this.wanted = false;
        await this.draw();
      }
      this.busy = null;
      this.drawSteps();
      this.ondrawn?.();
    })();
    return this.busy;
  }

  async draw() {
    this.stage.dataset.view = this.choice.view;
    this.stage.dataset.width = this.framed && this.choice.view !== "text" ? this.choice.width : "full";
    this.stage.dataset.look = this.choice.look;
    this.fit();
    if (!this.asked().name) return;
    try {
      if (this.choice.view === "inbox") this.drawInbox();
      else if (this.framed) await this.drawFrame();
      else await this.drawSource();
    } catch (error) {
      this.shown = "";
      this.stage.replaceChildren(h("div", { class: "empty" }, h("p", {}, error.message), h("p", { class: "dim" }, error.hint ?? "")));
    }
  }

  /** Where the same page is in the frame already, only what differs in it is touched. */
  async drawFrame() {
    const address = this.address();
    const frame = this.frame;
    if (frame && this.shown === address && this.page?.body) {
      const html = await api.text(address);
      if (this.address() !== address || html === this.html) return;
      this.html = html;
      const fresh = parsed(this.page, html);
      morph(this.page.head, fresh.head);
      for (const name of ["lang", "dir"]) {
        const value = fresh.documentElement.getAttribute(name) ?? html.match(new RegExp(`<html[^>]*\\s${name}="([^"]*)"`))?.[1];
        if (value) this.page.documentElement.setAttribute(name, value);
      }
      flash(morph(this.page.body, fresh.body));
      return;
    }
    const same = this.shown.split("?")[0] === address.split("?")[0];
    const top = same && frame ? this.page?.scrollingElement?.scrollTop ?? 0 : 0;
    this.shown = address;
    this.html = "";
    this.at = null;
    const made = h("iframe", {
      title: `${this.label}: ${VIEWS.find(([value]) => value === this.choice.view)[1]}`,
      sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
      src: address,
    });
    await new Promise((resolve) => {
      this.leave = resolve; // a frame that is taken away never loads
      made.addEventListener("load", resolve, { once: true });
      this.stage.replaceChildren(h("div", { class: "sheet" }, made));
      this.fit();
    });
    const page = made.contentDocument;
    if (page && page.contentType !== "text/html") await api.text(address); // says why there is no page
    if (page?.scrollingElement) page.scrollingElement.scrollTop = top;
    page?.addEventListener("keydown", (event) => this.onkey?.(event));
    page?.addEventListener("click", (event) => follow(event, page));
  }

  async drawSource() {
    const address = this.address();
    const source = await api.text(address);
    if (this.address() !== address) return;
    if (this.shown === address && source === this.source) return;
    const again = this.shown === address;
    this.shown = address;
    this.source = source;
    this.drawBar();
    const lines = source.split(/\r?\n/);
    const blocks = [];
    for (let start = 0; start < lines.length; start += CHUNK) {
      const block = h("code", { class: "chunk" }, `${lines.slice(start, start + CHUNK).join("\n")}\n`);
      block.style.setProperty("--lines", Math.min(CHUNK, lines.length - start));
      blocks.push(block);
    }
    const old = $("pre", this.stage);
    if (again && old) {
      const changed = [];
      blocks.forEach((block, index) => {
        const before = old.children[index];
        if (!before) old.append(block);
        else if (before.textContent !== block.textContent) before.replaceWith(block);
        else return;
        changed.push(block);
      });
      while (old.children.length > blocks.length) old.lastChild.remove();
      flash(changed, "rgba(255, 196, 0, 0.25)");
      return;
    }
    this.stage.replaceChildren(h("pre", { class: "source", tabindex: "0", "aria-label": plural(lines.length, "line") }, blocks));
  }

  /** Marks beside the email where something was found, the worst on top: the list beside it says the same in words. */
  mark(findings, goto) {
    $(".ruler", this.stage)?.remove();
    const { page } = this;
    const height = page?.scrollingElement?.scrollHeight;
    if (this.choice.view !== "email" || this.choice.edition !== "now" || !height || !findings.length) return;
    const find = locator(page);
    const ruler = h("div", { class: "ruler", "aria-hidden": "true" });
    $(".sheet", this.stage).append(ruler);
    const left = findings.slice(0, MARKED);
    const some = (deadline) => {
      while (left.length && ruler.isConnected && deadline.timeRemaining() > 3) {
        const finding = left.shift();
        const place = find(finding.seek);
        if (place) ruler.prepend(this.markOf(finding, (place.getBoundingClientRect().top + page.scrollingElement.scrollTop) / height, goto));
      }
      if (left.length && ruler.isConnected) whenIdle(some);
    };
    whenIdle(some);
  }

  markOf(finding, share, goto) {
    const button = h("button", { type: "button", tabindex: "-1", class: finding.severity, title: finding.message, onclick: () => goto(finding.seek) });
    button.style.insetBlockStart = `${99 * share}%`;
    return button;
  }

  drawInbox() {
    this.shown = "inbox";
    this.stage.replaceChildren(this.sheet ? inbox(this.sheet.inbox, this.choice.look) : h("div", { class: "empty" }, h("p", {}, "…")));
  }
}

/** A link within the email scrolls; every other opens in a tab of its own, as `base` says. */
function follow(event, page) {
  const link = event.target.closest?.("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  const name = decodeURIComponent(link.getAttribute("href").slice(1));
  (page.getElementById(name) ?? page.getElementsByName(name)[0])?.scrollIntoView({ behavior: "smooth" });
}
