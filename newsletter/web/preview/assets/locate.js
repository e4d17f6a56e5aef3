// From a line of Markdown to its place in the email: by an address that stands in it, else by its words.

/** The element in `page` (a document) that `seek` ({text, target}) means, or null. */
export function locate(page, seek) {
  if (!page?.body) return null;
  return byAddress(page, seek.target) ?? byWords(page, seek.text);
}

function byAddress(page, target) {
  if (!target) return null;
  const plain = decode(target);
  for (const element of page.querySelectorAll("a[href], img[src]")) {
    const address = decode(element.getAttribute("href") ?? element.getAttribute("src"));
    if (address === plain || (plain.length > 3 && address.endsWith(plain.replace(/^\.?\//, "")))) return element;
  }
  return null;
}

function decode(address) {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

function byWords(page, text) {
  const words = text.split(" ").filter(Boolean);
  if (!words.length) return null;
  const { joined, places } = index(page);
  for (const length of [words.length, 8, 5, 3, 2, 1]) {
    if (length > words.length) continue;
    for (let start = 0; start + length <= words.length && start < 12; start++) {
      const wanted = words.slice(start, start + length).join(" ").toLowerCase();
      if (length < 3 && wanted.length < 6) continue;
      const found = joined.indexOf(wanted);
      if (found >= 0) return places.findLast((place) => place.at <= found).element;
    }
  }
  return null;
}

/** All visible text in one line, and which element each part of it comes from. */
function index(page) {
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const places = [];
  let joined = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!parent || parent.closest("style, [aria-hidden=true]")) continue;
    places.push({ at: joined.length, element: parent });
    joined += node.nodeValue.replace(/\s+/g, " ").toLowerCase();
    if (!joined.endsWith(" ")) joined += /\s$/.test(node.nodeValue) ? " " : "";
  }
  return { joined, places };
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
