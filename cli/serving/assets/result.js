// Offers the GenBank file, which holds the bases: this browser alone has it.
"use strict";
(() => {
  const link = document.getElementById("bases");
  if (!link) return;
  const bases = sessionStorage.getItem(location.pathname);
  if (bases) {
    link.href = URL.createObjectURL(new Blob([bases], {type: "text/plain"}));
    link.hidden = false;
  }
  document.querySelector("form[action=forget]").addEventListener("submit", () => {
    sessionStorage.removeItem(location.pathname);
  });
})();
