// The filter of the table of all answers; without scripts it is not shown.
"use strict";
(() => {
  const input = document.getElementById("filter");
  if (!input) return;
  const count = document.getElementById("filter-count");
  const rows = [...document.querySelectorAll("#summary tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  input.closest("p").hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !texts[place].includes(wanted);
      if (!row.hidden) shown += 1;
    });
    count.textContent = wanted ? `${shown} of ${rows.length}` : "";
  });
})();
