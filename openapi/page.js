"use strict";
(() => {
  const root = document.documentElement;
  const find = document.getElementById("find");
  const entries = [...document.querySelectorAll("[data-find]")];
  const groups = [...document.querySelectorAll("nav > div, .group")];

  function search() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.find.includes(word));
    for (const group of groups) {
      const named = group.querySelectorAll("[data-find]");
      group.hidden = named.length ? ![...named].some((entry) => !entry.hidden) : words.length > 0;
    }
    document.getElementById("nothing").hidden = groups.some((group) => !group.hidden);
  }
  find.addEventListener("input", search);

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find) {
      event.preventDefault();
      find.focus();
    } else if (event.key === "Escape" && find.value) {
      find.value = "";
      search();
    }
  });

  // A link to something that the search hides shows it again.
  addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.hidden) {
      find.value = "";
      search();
      target.scrollIntoView();
    }
  });

  const stored = (() => {
    try { return localStorage.getItem("athena-theme"); } catch { return null; }
  })();
  if (stored) root.classList.add(stored);
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.classList.contains("dark") ||
      (!root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
    root.classList.remove("dark", "light");
    root.classList.add(dark ? "light" : "dark");
    try { localStorage.setItem("athena-theme", dark ? "light" : "dark"); } catch { /* private window */ }
  });
})();
