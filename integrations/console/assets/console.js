// What this adds to pages that work without it: times that move, and a page
// that renews itself when something changes, without losing what is open,
// focused or typed.
"use strict";

(() => {
  const span = (s) => {
    if (s < 60) return Math.round(s) + "s";
    const m = Math.floor(s / 60);
    if (m < 60) return m + " min";
    const h = Math.floor(m / 60);
    return h < 48 ? h + " h " + (m % 60) + " min" : Math.floor(h / 24) + " days";
  };

  const tick = () => {
    for (const e of document.querySelectorAll("[data-ago]")) {
      const s = (Date.now() - Date.parse(e.dataset.ago)) / 1000;
      const text = Math.abs(s) < 1 ? "now" : s < 0 ? "in " + span(-s) : span(s) + " ago";
      if (e.textContent !== text) e.textContent = text;
    }
  };
  const main = () => document.getElementById("main");

  // bare is a page without what moves by itself, to see whether another differs.
  const bare = (m) => {
    const copy = m.cloneNode(true);
    for (const e of copy.querySelectorAll("[data-ago]")) e.textContent = "";
    for (const e of copy.querySelectorAll(".flash")) e.remove();
    return copy.innerHTML;
  };
  let shown = bare(main());

  tick();
  setInterval(tick, 5000);

  const live = document.getElementById("live");
  const watch = main().dataset.watch;
  if (!watch || !window.EventSource) return;

  const tell = (text) => { if (live && live.textContent !== text) live.textContent = text; };
  const fields = (root) => root.querySelectorAll("input[id]:not([type=hidden]), textarea[id], select[id]");

  // keep reads from the page what belongs to the person, by the ids of elements.
  const keep = () => {
    const state = { open: new Map(), typed: new Map(), focus: null };
    for (const d of main().querySelectorAll("details[id]")) state.open.set(d.id, d.open);
    for (const f of fields(main())) {
      if (f.type === "checkbox") {
        if (f.checked !== f.defaultChecked) state.typed.set(f.id, f.checked);
      } else if (f.tagName === "SELECT") {
        state.typed.set(f.id, f.value);
      } else if (f.value !== f.defaultValue) {
        state.typed.set(f.id, f.value);
      }
    }
    const a = document.activeElement;
    if (a && main().contains(a)) {
      const owner = a.tagName === "SUMMARY" ? a.parentElement : a;
      if (owner.id) state.focus = { id: owner.id, summary: owner !== a, from: a.selectionStart, to: a.selectionEnd };
    }
    return state;
  };

  const restore = (state) => {
    for (const d of main().querySelectorAll("details[id]")) {
      if (state.open.has(d.id)) d.open = state.open.get(d.id);
    }
    for (const f of fields(main())) {
      if (!state.typed.has(f.id)) continue;
      if (f.type === "checkbox") f.checked = state.typed.get(f.id);
      else f.value = state.typed.get(f.id);
    }
    if (!state.focus) return;
    const owner = document.getElementById(state.focus.id);
    const e = owner && state.focus.summary ? owner.querySelector("summary") : owner;
    if (!e) { main().focus({ preventScroll: true }); return; }
    e.focus({ preventScroll: true });
    if (typeof state.focus.from === "number" && e.setSelectionRange) {
      try { e.setSelectionRange(state.focus.from, state.focus.to); } catch { /* not a text field */ }
    }
  };

  const announce = (before) => {
    const now = main().dataset.headline || "";
    if (now && now !== before) document.getElementById("announce").textContent = now;
  };

  let busy = false;
  let again = false;
  let pressed = false;

  const renew = async () => {
    if (busy || pressed || document.hidden) { again = true; return; }
    busy = true;
    again = false;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", headers: { "Accept": "text/html" } });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) throw new Error("status " + answer.status);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      if (!next) throw new Error("not a page");
      const html = bare(next);
      if (pressed) { again = true; return; }
      if (html !== shown) {
        const state = keep();
        const before = main().dataset.headline || "";
        const flash = main().querySelector(".flash");
        main().replaceChildren(...next.childNodes);
        if (flash && !main().querySelector(".flash")) main().prepend(flash);
        main().dataset.headline = next.dataset.headline || "";
        restore(state);
        tick();
        announce(before);
      }
      shown = html;
      tell("This page is live.");
    } catch {
      tell("The page could not be renewed. Load it again to see what changed.");
    } finally {
      busy = false;
      if (again) setTimeout(renew, 300);
    }
  };

  // A page must not change under a finger or a mouse button that is down.
  addEventListener("pointerdown", () => { pressed = true; });
  for (const up of ["pointerup", "pointercancel"]) {
    addEventListener(up, () => setTimeout(() => { pressed = false; if (again) renew(); }, 250));
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) renew(); });

  const events = new EventSource(watch);
  events.addEventListener("open", () => { tell("This page is live."); renew(); });
  events.addEventListener("changed", renew);
  events.addEventListener("error", () => tell("The connection is lost; trying again. What is shown may be old."));
})();
