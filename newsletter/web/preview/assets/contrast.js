// Contrast of the texts in the email as the browser draws them (WCAG 2.2, success criterion 1.4.3).

const ENOUGH = 4.5;
const ENOUGH_LARGE = 3;
const LOOKED_AT = 4000;

/** The texts with the least contrast, the worst first: [{ratio, needed, text, element}]. */
export function contrast(page) {
  if (!page?.body) return [];
  const window = page.defaultView;
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const seen = new Map();
  const styles = new Map();
  const style = (element) => styles.get(element) ?? styles.set(element, window.getComputedStyle(element)).get(element);
  for (let node = walker.nextNode(), count = 0; node && count < LOOKED_AT; node = walker.nextNode(), count++) {
    const element = node.parentElement;
    if (!node.nodeValue.trim() || !element || seen.has(element) || element.closest("[aria-hidden=true], style")) continue;
    const own = style(element);
    const back = behind(element, style);
    const ratio = ratioOf(over(colour(own.color), back), back);
    const size = parseFloat(own.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(own.fontWeight) >= 700);
    seen.set(element, { ratio, needed: large ? ENOUGH_LARGE : ENOUGH, text: node.nodeValue.trim().slice(0, 60), element });
  }
  return [...seen.values()].sort((a, b) => a.ratio / a.needed - b.ratio / b.needed);
}

function behind(element, style) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const layer = colour(style(at).backgroundColor);
    if (layer[3] > 0) layers.push(layer);
    if (layer[3] === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
}

function colour(text) {
  const numbers = (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  return [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
}

const over = (top, below) => [0, 1, 2].map((index) => top[index] * top[3] + below[index] * (1 - top[3])).concat(1);

function ratioOf(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(rgb) {
  const [r, g, b] = rgb.slice(0, 3).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
