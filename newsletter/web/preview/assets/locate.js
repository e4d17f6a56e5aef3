// From a line of Markdown to its place in the email: by an address that stands in it, else by its words.

/** How to find the element in `page` (a document) that a `seek` ({text, target}) means; null where there is none. */
export function locator(page) {
  let words = null;
  let addresses = null;
  return (seek) => {
    if (!page?.body) return null;
    const place = seek.target ? (addresses ??= addressesOf(page))(seek.target) : null;
    return place ?? (seek.text ? (words ??= wordsOf(page))(seek.text) : null);
  };
}

function addressesOf(page) {
  const all = [...page.querySelectorAll("a[href], img[src]")].map((element) => [decode(element.getAttribute("href") ?? element.getAttribute("src")), element]);
  return (target) => {
    const plain = decode(target);
    const end = plain.length > 3 ? plain.replace(/^\.?\//, "") : null;
    return all.find(([address]) => address === plain || (end && address.endsWith(end)))?.[1] ?? null;
  };
}

function decode(address) {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

/** All visible text in one line, and which element each part of it comes from. */
function wordsOf(page) {
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const parts = [];
  const starts = [];
  const elements = [];
  let length = 0;
  let open = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    const text = node.nodeValue.replace(/\s+/g, " ").toLowerCase();
    if (!parent || !text || parent.closest("style, [aria-hidden=true]")) continue;
    const part = open || !text.startsWith(" ") ? text : text.slice(1); // one space where two meet
    if (!part) continue;
    starts.push(length);
    elements.push(parent);
    parts.push(part);
    length += part.length;
    open = !part.endsWith(" ");
  }
  const joined = parts.join("");
  return (text) => {
    const words = text.toLowerCase().split(" ").filter(Boolean);
    for (const count of [words.length, 8, 5, 3, 2, 1]) {
      if (count > words.length) continue;
      for (let start = 0; start + count <= words.length && start < 12; start++) {
        const wanted = words.slice(start, start + count).join(" ");
        if (count < 3 && wanted.length < 6) continue;
        const found = joined.indexOf(wanted);
        if (found >= 0) return elements[before(starts, found)];
      }
    }
    return null;
  };
}

/** The last index whose start is not behind `at`; `starts` grows. */
function before(starts, at) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Bring `element` into the middle of its frame and let it glow. */
export function show(element) {
  if (!element) return false;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
  const block = element.closest("p, li, h1, h2, h3, h4, h5, h6, pre, td, blockquote, figure, img") ?? element;
  block.animate(
    [{ boxShadow: "0 0 0 4px rgba(255, 170, 0, .75)" }, { boxShadow: "0 0 0 4px rgba(255, 170, 0, .75)", offset: 0.7 },
      { boxShadow: "0 0 0 4px transparent" }],
    { duration: 2400 },
  );
  return true;
}
