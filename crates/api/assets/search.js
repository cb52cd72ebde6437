// Answers while a person types, and adds keys. The server makes every page, with or without this.
"use strict";

(() => {
  const PAUSE_MS = 120;
  const field = document.getElementById("q");
  const main = document.getElementById("main");
  const told = document.createElement("p");
  let timer = 0;
  let asking = null;
  let shown = new URLSearchParams(location.search).get("q") ?? "";

  told.className = "unseen";
  told.setAttribute("role", "status");
  document.body.append(told);
  field.setAttribute("aria-keyshortcuts", "/");

  // The page of what the form holds takes the place of this one, but for the field itself.
  async function answer() {
    const text = field.value.trim();
    if (text === shown.trim()) return;
    shown = text;
    asking?.abort();
    if (!text) return show(null, "./");
    asking = new AbortController();
    const url = `./?${new URLSearchParams(new FormData(field.form))}`;
    main.ariaBusy = "true";
    try {
      const response = await fetch(url, { signal: asking.signal, headers: { Accept: "text/html" } });
      show(new DOMParser().parseFromString(await response.text(), "text/html"), url);
    } catch (error) {
      if (error.name === "AbortError") return;
      // Enter asks again, and shows what is wrong.
      shown = "";
      told.textContent = "There was no answer. Press Enter to try again.";
      main.ariaBusy = "false";
    }
  }

  // Nothing where nothing is asked for.
  function show(page, url) {
    const head = page?.querySelector(".top");
    if (head && !document.querySelector(".top")) {
      const [from, to] = [field.selectionStart, field.selectionEnd];
      head.querySelector("#q").replaceWith(field);
      main.before(head);
      field.focus();
      field.setSelectionRange(from, to);
    }
    main.replaceChildren(...(page?.getElementById("main").childNodes ?? []));
    main.ariaBusy = "false";
    document.title = page?.title ?? "canter";
    history.replaceState(null, "", url);
    told.textContent = main.querySelector("h1")?.textContent ?? "";
  }

  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(answer, PAUSE_MS);
  });
  field.addEventListener("compositionend", answer);

  const links = () => [...main.querySelectorAll(".names a, .results h2 a, .sections a")];

  // From the field into the results and back.
  function step(by) {
    const all = links();
    const next = all.indexOf(document.activeElement) + by;
    if (next < 0) field.focus();
    else all[Math.min(next, all.length - 1)]?.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inField = document.activeElement === field;
    const inResults = links().includes(document.activeElement);
    if (event.key === "/" && !inField) {
      field.focus();
      field.select();
    } else if (event.key === "ArrowDown" && (inField || inResults)) {
      step(1);
    } else if (event.key === "ArrowUp" && inResults) {
      step(-1);
    } else if (event.key === "Escape" && inResults) {
      field.focus();
    } else if (event.key === "Escape" && inField && field.value) {
      field.value = "";
      answer();
    } else {
      return;
    }
    event.preventDefault();
  });
})();
