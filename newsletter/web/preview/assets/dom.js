// Small helpers over the DOM. Nothing here takes HTML as text: what an issue says can never become markup of this page.

export const $ = (selector, root = document) => root.querySelector(selector);

/** An element: `h("a", {class: "x", href: "/", onclick: f}, "text", child, null)`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put `nodes` into `container`, keeping its scroll position and the focus on what has the same `data-key`. */
export function swap(container, ...nodes) {
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const top = container.scrollTop;
  container.replaceChildren(...nodes.flat(3).filter(Boolean));
  container.scrollTop = top;
  if (focused) container.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

export const kilobytes = (bytes) => `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KB`;

let toastNumber = 0;

/** A short message at the edge; it stays as long as it takes to read. */
export function toast(message, kind = "good") {
  const number = ++toastNumber;
  const note = h("div", { class: `toast ${kind}`, "data-number": number }, message);
  $("#toasts").append(note);
  setTimeout(() => note.remove(), 3500 + 50 * message.length);
}

/** Text to the clipboard, and a word about it. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast("the browser did not let this page copy", "bad");
  }
}
