// The page works without this script. The script refreshes it, and keeps scroll, focus
// and search. The server answers 304 if nothing has changed.
"use strict";
(() => {
  const every = 2000, parts = new Map();
  let etag = "", stale = false, running = false;

  const strip = (node) => {
    const copy = node.cloneNode(true);
    copy.querySelectorAll("time").forEach((t) => { t.textContent = ""; });
    return copy.innerHTML;
  };
  const remember = (doc) => doc.querySelectorAll("[data-part]").forEach((p) => parts.set(p.id, strip(p)));

  const span = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 60) return s + " s";
    if (s < 3600) return Math.floor(s / 60) + " min";
    if (s < 172800) return Math.floor(s / 3600) + " h";
    return Math.floor(s / 86400) + " days";
  };
  const tick = () => {
    const now = Date.now();
    document.querySelectorAll("time[data-ago]").forEach((t) => { t.textContent = span(now - Date.parse(t.dateTime)) + " ago"; });
    document.querySelectorAll("time[data-in]").forEach((t) => { t.textContent = "in " + span(Date.parse(t.dateTime) - now); });
  };

  // Where the keyboard is: an element with an ID, or the summary of a row with a key.
  const place = (el) => {
    if (!el || el === document.body) return null;
    if (el.id) return () => document.getElementById(el.id);
    const part = el.closest("[data-part]"), row = el.closest("[data-key]");
    if (!part) return null;
    const all = (row || part).querySelectorAll("a, button, summary"), index = [...all].indexOf(el);
    const id = part.id, key = row && row.dataset.key;
    return () => {
      const now = document.getElementById(id);
      const scope = key === null ? now : [...now.querySelectorAll("[data-key]")].find((d) => d.dataset.key === key);
      return scope && scope.querySelectorAll("a, button, summary")[index];
    };
  };

  const replace = (from) => {
    const to = document.getElementById(from.id), now = strip(from);
    if (!to || parts.get(from.id) === now) return;
    parts.set(from.id, now);
    const open = new Set([...to.querySelectorAll("details[open]")].map((d) => d.dataset.key));
    from.querySelectorAll("details").forEach((d) => { if (open.has(d.dataset.key)) d.open = true; });
    to.replaceChildren(...document.importNode(from, true).childNodes);
  };

  const show = (doc) => {
    const focus = place(document.activeElement);
    const seen = [...document.querySelectorAll("[data-part]")].find((p) => p.getBoundingClientRect().bottom > 0);
    const top = seen && seen.getBoundingClientRect().top;
    doc.querySelectorAll("[data-part]").forEach(replace);
    document.title = doc.title;
    if (seen && window.scrollY > 0) window.scrollBy(0, seen.getBoundingClientRect().top - top);
    const el = focus && focus();
    if (el && el !== document.activeElement) el.focus({ preventScroll: true });
    buttons();
  };

  const live = (text, lost) => {
    const el = document.getElementById("live");
    el.textContent = text;
    el.className = lost ? "lost" : "";
  };

  const refresh = async () => {
    if (running) return;
    running = true;
    const url = location.pathname + location.search;
    try {
      const response = await fetch(url, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", credentials: "same-origin" });
      if (response.status === 200) {
        const doc = new DOMParser().parseFromString(await response.text(), "text/html");
        if (url === location.pathname + location.search) {
          etag = response.headers.get("ETag") || "";
          show(doc);
        }
      } else if (response.status !== 304) {
        throw new Error("status " + response.status);
      }
      stale = false;
      live("live, " + new Date().toLocaleString());
    } catch (err) {
      if (!stale) live("no connection to the server since " + new Date().toLocaleTimeString(), true);
      stale = true;
    }
    running = false;
    tick();
  };

  const buttons = () => {
    if (!navigator.clipboard) return;
    document.querySelectorAll(".copy:not(:has(button))").forEach((p) => {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = "Copy";
      b.addEventListener("click", async () => {
        await navigator.clipboard.writeText(p.querySelector("code").textContent);
        b.textContent = "Copied";
      });
      p.append(b);
    });
  };

  const input = document.getElementById("name");
  input.form.addEventListener("submit", (e) => {
    e.preventDefault();
    const query = new URLSearchParams(location.search);
    query.set("name", input.value.trim());
    if (!input.value.trim()) query.delete("name");
    history.pushState(null, "", "/" + (query.size ? "?" + query : ""));
    etag = "";
    refresh();
  });
  window.addEventListener("popstate", () => {
    input.value = new URLSearchParams(location.search).get("name") || "";
    etag = "";
    refresh();
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, textarea, select")) return;
    e.preventDefault();
    input.focus();
    input.select();
  });
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

  remember(document);
  buttons();
  setInterval(tick, 1000);
  setInterval(() => { if (!document.hidden) refresh(); }, every);
})();
