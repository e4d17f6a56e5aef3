// The row in the inbox, cut where each program cuts it: by width and lines, as they do, not by a count of letters.

import { h, plural } from "./dom.js";

const PROGRAMS = [
  ["gmail", "Gmail", "in a browser: one line, subject and preheader share it"],
  ["apple", "Apple Mail on a phone", "one line of subject, two of preheader"],
  ["outlook", "Outlook", "in the list of messages: one line each"],
];

export function inbox({ sender, subject, preheader, others = [] }, look) {
  const initial = [...sender][0]?.toUpperCase() ?? "?";
  const rows = (subject) => ({
    gmail: [
      h("span", { class: "box" }), h("span", { class: "from" }, sender),
      h("span", { class: "line" }, h("b", {}, subject), preheader ? ` - ${preheader}` : ""), h("span", { class: "when" }, "09:00"),
    ],
    apple: [
      h("span", { class: "dot" }), h("span", { class: "from" }, sender), h("span", { class: "when" }, "09:00"),
      h("span", { class: "subject" }, subject), h("span", { class: "more" }, preheader),
    ],
    outlook: [
      h("span", { class: "round" }, initial), h("span", { class: "from" }, sender),
      h("span", { class: "subject" }, subject), h("span", { class: "when" }, "09:00"), h("span", { class: "more" }, preheader),
    ],
  });
  return h("div", { class: `inbox ${look === "dark" ? "night" : "day"}` },
    PROGRAMS.map(([key, name, note]) => h("figure", {}, h("figcaption", {}, h("b", {}, name), " ", h("span", {}, note)),
      [subject, ...others].map((text) => h("div", { class: `row ${key}`, dir: "auto" }, rows(text)[key])))),
    others.length ? h("p", { class: "tally" }, `${others.length + 1} subjects are tested against each other.`) : null,
    h("p", { class: "tally" }, `Subject: ${plural([...subject].length, "character")}; phones show about 35 to 40. `,
      preheader ? `Preheader: ${plural([...preheader].length, "character")}; 40 to 110 are shown.` : "No preheader: the first words of the email stand in for it."));
}
