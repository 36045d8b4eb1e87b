// Drives the status page in Chromium, for TestPageInBrowser. Lines on stdout are the
// protocol: "change" asks the test to change the fake Azure, "FAIL ..." is a fault, and
// "done" is the end.
//
//   node page.mjs URL CHROMIUM NODE_MODULES [FOLDER for screenshots]
import { createRequire } from "module";

const [url, executablePath, modules, shots] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

const say = (text) => process.stdout.write(text + "\n");
const check = (ok, text) => { if (!ok) say("FAIL " + text); };
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

// open returns a page at the path. Every request and every message is watched.
const open = async (path, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.bodies = [];
  page.on("console", (m) => { if (m.type() === "error") check(false, "console: " + m.text()); });
  page.on("pageerror", (e) => check(false, "script: " + e.message));
  page.on("dialog", (d) => check(false, "dialog: " + d.message()));
  page.on("request", (r) => check(r.url().startsWith(url), "request to " + r.url()));
  page.on("response", (r) => page.bodies.push(r.body().catch(() => "")));
  await page.goto(url + path);
  return page;
};

const search = async () => {
  const page = await open("/");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.id) === "name", "the key / does not move the focus to the search");
  await page.keyboard.type("WEpod01ECS114x.blob.core.windows.net.");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("answer").textContent.includes("is private: 10.20.0.5"));
  const answer = await page.locator("#answer").innerText();
  for (const want of ["step 3", "pe-vault-we", "dig @127.0.0.1 -p "]) check(answer.includes(want), `the answer lacks ${want}: ${answer}`);
  check(await page.locator("#answer .result > p").count() <= 7, "the answer has more than six lines and a command");
  check(page.url().endsWith("?name=WEpod01ECS114x.blob.core.windows.net."), "the URL is " + page.url());
  await page.reload();
  check((await page.locator("#answer").innerText()).includes("is private: 10.20.0.5"), "the answer is lost by a reload of the page");
  await page.goBack();
  await page.waitForFunction(() => document.getElementById("answer").textContent.trim() === "");
  const { bodies } = await open("/");
  const size = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
  check(bodies.length >= 3, "the page has too few parts");
  say("size " + size);
  check(size < 60_000, `the page has ${size} octets`);
};

// A change appears by itself; scroll, focus, search and open rows stay.
const change = async () => {
  const page = await open("/");
  await page.evaluate(() => { window.marker = true; });
  await page.locator("#name").fill("unfinished");
  const row = page.locator("details[data-key]", { hasText: "rsv-prod-we" }).locator("summary");
  await row.focus();
  await page.keyboard.press("Enter");
  await page.evaluate(() => window.scrollTo(0, 350));
  const top = (await row.boundingBox()).y;
  say("change");
  await page.waitForFunction(() => document.getElementById("vaults").textContent.includes("added.blob.core.windows.net"), null, { timeout: 30_000 });
  check(await page.evaluate(() => window.marker === true), "the page was loaded again");
  check(await page.locator("#name").inputValue() === "unfinished", "the text of the search is lost");
  check(await page.evaluate(() => document.activeElement.closest("details")?.open && document.activeElement.textContent.includes("rsv-prod-we")),
    "the focus or the open row is lost");
  check(Math.abs((await row.boundingBox()).y - top) < 2, "the page has scrolled");
};

const hostile = async () => {
  const page = await open("/?vault=%3Cscript%3Ealert(1)%3C/script%3E&name=%3Cimg%20src=x%20onerror=alert(1)%3E");
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  check(await page.locator("img, iframe, object, main script, main style, main input, svg").count() === 0, "external input became an element");
  const text = await page.locator("body").innerText();
  for (const want of ["<img src=x onerror=alert(1)>", "<b>bold</b>"]) check(text.includes(want), "the page lacks the text " + want);
};

const keyboard = async () => {
  const page = await open("/");
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.className) === "skip", "the first stop is not the link to the content");
  let opened = false, stops = 0;
  for (; stops < 60 && !opened; stops++) {
    await page.keyboard.press("Tab");
    if (!await page.evaluate(() => document.activeElement.matches("#vaults summary"))) continue;
    await page.keyboard.press("Enter");
    opened = await page.evaluate(() => document.activeElement.parentElement.open);
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    check(ring !== "none", "the focus is not visible");
  }
  check(opened, "no row of the vaults opens by the keyboard");
};

const audit = async () => {
  for (const width of [390, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open("/?name=pending.blob.core.windows.net", { viewport: { width, height: 900 }, colorScheme });
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const v of violations) {
        const text = `${width} px, ${colorScheme}: ${v.impact} ${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(" ")}`;
        if (["serious", "critical"].includes(v.impact)) check(false, text);
        else say("note " + text);
      }
      check(await page.evaluate(() => document.scrollingElement.scrollWidth <= window.innerWidth), `${width} px: the page is wider than the window`);
    }
  }
};

const withoutScript = async () => {
  const page = await open("/", { javaScriptEnabled: false });
  await page.locator("#name").fill("pending.blob.core.windows.net");
  await page.locator("form button").click();
  check((await page.locator("#answer").innerText()).includes("is not private"), "the search needs JavaScript");
  await page.locator("#vaults summary").first().click();
  check(await page.locator("#vaults details[open]").count() === 1, "a row does not open without JavaScript");
  await page.emulateMedia({ media: "print" });
  for (const one of await page.locator("#vaults details .body").all()) check(await one.isVisible(), "a row is folded in print");
};

const screenshots = async () => {
  for (const [name, width, height, colorScheme, path] of [
    ["page", 1280, 1000, "light", "/?name=WEpod01ECS114x.blob.core.windows.net"],
  ]) {
    const page = await open(path, { viewport: { width, height }, colorScheme });
    await page.evaluate(() => { document.querySelector(".app span").textContent = "privatelink-dns on dns-hub-1"; });
    await page.screenshot({ path: `${shots}/${name}.png` });
  }
};

for (const scenario of shots ? [screenshots] : [search, change, hostile, keyboard, audit, withoutScript]) {
  try {
    await scenario();
  } catch (err) {
    check(false, `${scenario.name}: ${err.message.split("\n")[0]}`);
  }
}
await browser.close();
say("done");
