// How long until something, as people say it.

export function countdown(moment, now = Date.now()) {
  const seconds = Math.round((new Date(moment) - now) / 1000);
  if (seconds <= 0) return "now";
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `in ${days} day${days > 1 ? "s" : ""}${hours ? ` ${hours} h` : ""}`;
  if (hours) return `in ${hours} h ${minutes} min`;
  return minutes ? `in ${minutes} min ${seconds % 60} s` : `in ${seconds} s`;
}

/** Keep every element with `data-at` in the page right. */
export function tick() {
  for (const element of document.querySelectorAll("[data-at]")) {
    const text = countdown(element.dataset.at);
    if (element.textContent !== text) element.textContent = text;
  }
}
