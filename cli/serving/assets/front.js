// Sends files or a pasted sequence, says how far the answer is, and opens it. Without scripts the
// form does the same, and says less.
"use strict";
(() => {
  const form = document.getElementById("ask");
  const drop = document.getElementById("drop");
  const input = document.getElementById("file");
  const pasted = document.getElementById("sequence");
  const send = document.getElementById("send");
  const progress = document.getElementById("progress");
  const state = document.getElementById("state");
  const bar = document.getElementById("bar");
  const problem = document.getElementById("problem");
  const MOST_TRIES = 20;
  let stopper = null;

  // A file that is dropped beside the field must not replace the page.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => event.preventDefault());
  }
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  window.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!event.dataTransfer || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });

  function show(part) {
    progress.hidden = part !== progress;
    problem.hidden = part !== problem;
    send.disabled = part === progress;
  }

  // Names and messages reach the page as text, never as markup.
  function paragraph(text, kind) {
    const made = document.createElement("p");
    made.className = kind;
    made.textContent = text;
    return made;
  }

  const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);

  function tell(error) {
    const lines = [paragraph(sentence(error.title || "the service did not answer"), "what")];
    if (error.where) lines.push(paragraph(error.where, "where"));
    if (error.hint) lines.push(paragraph(error.hint, "hint"));
    problem.replaceChildren(...lines);
    show(problem);
    problem.focus();
  }

  function say(words) {
    const counted = /^answered (\d+) of (\d+)$/.exec(words);
    if (counted) {
      bar.max = Number(counted[2]);
      bar.value = Number(counted[1]);
      state.textContent = `Answered ${counted[1]} of ${counted[2]}`;
    } else {
      state.textContent = sentence(words);
    }
  }

  function take(event) {
    if (event.words) say(event.words);
    if (event.title) tell(event);
    if (event.result) {
      try {
        if (event.bases) sessionStorage.setItem(event.result, event.bases);
      } catch {
        // Too large for this browser: the result page has no GenBank file then.
      }
      location.assign(event.result);
    }
  }

  async function follow(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const {value, done} = await reader.read();
      rest += value || "";
      const lines = rest.split("\n");
      rest = lines.pop();
      lines.filter((line) => line).forEach((line) => take(JSON.parse(line)));
      if (done) return;
    }
  }

  const seconds = (count) => new Promise((resolve) => setTimeout(resolve, 1000 * count));

  async function ask(body, signal) {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const headers = {Accept: "application/x-ndjson"};
      const response = await fetch(form.action, {method: "POST", body, headers, signal});
      if (response.ok) {
        await follow(response);
        return;
      }
      const error = await response.json().catch(() => ({}));
      if (response.status !== 429) {
        tell(error);
        return;
      }
      const wait = Number(response.headers.get("Retry-After")) || 1;
      say(`Others are being answered; asking again in ${wait} s`);
      await seconds(wait);
      if (signal.aborted) return;
    }
    tell({title: "The service is busy.", hint: "Ask again later."});
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!input.files.length && !pasted.value.trim()) {
      tell({title: "There is nothing to ask about yet.", hint: "Drop a file, or paste a sequence."});
      return;
    }
    stopper = new AbortController();
    bar.removeAttribute("value");
    say("Sending");
    show(progress);
    try {
      await ask(new FormData(form), stopper.signal);
    } catch (error) {
      if (error.name === "AbortError") show(null);
      else tell({hint: "Is it still running? Ask again in a moment."});
    }
  });
  document.getElementById("cancel").addEventListener("click", () => {
    stopper.abort();
    show(null);
    send.focus();
  });
  // Back from a result, the page is as it was before.
  window.addEventListener("pageshow", (event) => { if (event.persisted) show(null); });
})();
