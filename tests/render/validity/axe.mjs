// Opens each page of the command line in Chromium, light and dark, and prints what axe finds as JSON lines.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, chromium, widths, ...pages] = process.argv.slice(2);
const require = createRequire(modules);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const browser = await require("playwright-core").chromium.launch({ executablePath: chromium, args: ["--no-sandbox"] });
for (const colorScheme of ["light", "dark"]) {
  for (const width of widths.split(",").map(Number)) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    for (const path of pages) {
      await page.goto(`file://${path}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      const found = violations.map((each) => ({ id: each.id, impact: each.impact, first: each.nodes[0].html }));
      console.log(JSON.stringify({ path, colorScheme, width, sideways, found }));
    }
    await context.close();
  }
}
await browser.close();
