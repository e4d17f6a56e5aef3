// Questions to the server. Reading is GET and changes nothing; doing is POST and carries this start's token.

const token = document.querySelector("meta[name=token]").content;

export class Refused extends Error {
  constructor(words) {
    super(words.message || "the preview did not answer as expected");
    this.hint = words.hint || "";
    this.code = words.code || "";
  }
}

async function answered(response) {
  if (response.ok) return response;
  let words = { message: `the preview answered ${response.status}` };
  try {
    const text = await response.text();
    words = text.startsWith("{") ? JSON.parse(text) : { message: text.trim() };
  } catch { /* the status has to do */ }
  throw new Refused(words);
}

export const board = async () => (await answered(await fetch("/api/board"))).json();

export const sheet = async (name, query) =>
  (await answered(await fetch(`/api/issues/${encodeURIComponent(name)}?${query}`))).json();

export const difference = async (name, against) =>
  (await answered(await fetch(`/api/issues/${encodeURIComponent(name)}/difference?against=${against}`))).json();

export const readers = async (name, words = "") =>
  (await answered(await fetch(`/api/readers?${new URLSearchParams({ name, q: words })}`))).json();

export const month = async (wished) => (await answered(await fetch(`/api/month?month=${wished}`))).json();

export const text = async (address) => (await answered(await fetch(address))).text();

export async function act(action, words) {
  const headers = { "content-type": "application/json", "x-newsletter-token": token };
  const response = await fetch(`/api/do/${action}`, { method: "POST", headers, body: JSON.stringify(words) });
  return (await answered(response)).json();
}
