// Change a document into another one by touching only what differs, so that it keeps its place and can show what changed.

/** Make the children of `old` equal to those of `fresh`; the elements that were changed or came in are returned. */
export function morph(old, fresh) {
  const touched = [];
  children(old, fresh, touched);
  return touched;
}

function children(old, fresh, touched) {
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  let start = 0;
  while (start < before.length && start < after.length && before[start].isEqualNode(after[start])) start++;
  let oldEnd = before.length;
  let newEnd = after.length;
  while (oldEnd > start && newEnd > start && before[oldEnd - 1].isEqualNode(after[newEnd - 1])) {
    oldEnd--;
    newEnd--;
  }
  const gone = before.slice(start, oldEnd);
  const come = after.slice(start, newEnd);
  const anchor = before[oldEnd] ?? null;
  if (gone.length === come.length && gone.every((node, index) => alike(node, come[index]))) {
    gone.forEach((node, index) => node.isEqualNode(come[index]) || change(node, come[index], touched));
    return;
  }
  // Elsewhere keep whatever is the same further on, and put in the rest.
  let next = 0;
  for (const node of come) {
    const found = gone.findIndex((other, index) => index >= next && other.isEqualNode(node));
    if (found >= 0) {
      for (let index = next; index < found; index++) gone[index].remove();
      next = found + 1;
      continue;
    }
    const fit = gone[next];
    if (fit && alike(fit, node) && !come.some((other) => other !== node && other.isEqualNode(fit))) {
      change(fit, node, touched);
      next++;
      continue;
    }
    const made = old.ownerDocument.importNode(node, true);
    old.insertBefore(made, gone[next] ?? anchor);
    mark(made, touched);
  }
  for (let index = next; index < gone.length; index++) {
    gone[index].remove();
    mark(old, touched);
  }
}

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;

function change(node, fresh, touched) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    node.nodeValue = fresh.nodeValue;
    mark(node, touched);
    return;
  }
  for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name)) node.removeAttribute(name);
  let changed = false;
  for (const { name, value } of fresh.attributes) {
    if (node.getAttribute(name) !== value) {
      node.setAttribute(name, value);
      changed = true;
    }
  }
  if (changed) mark(node, touched);
  children(node, fresh, touched);
}

function mark(node, touched) {
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  if (element && !touched.some((other) => other.contains(element))) touched.push(element);
}

/** The page `html` as a document that belongs to the frame, so that the frame's rules hold for it. */
export function parsed(frame, html) {
  const page = frame.implementation.createHTMLDocument("");
  page.documentElement.innerHTML = html;
  return page;
}

/** Let what changed glow for a moment, without a trace in the document. */
export function flash(elements, colour = "rgba(255, 196, 0, 0.55)") {
  for (const element of elements.slice(0, 40)) {
    element.animate?.(
      [{ backgroundColor: colour, outline: `2px solid ${colour}` }, { outline: "2px solid transparent" }],
      { duration: 1100, easing: "ease-out" },
    );
  }
}
