// Offers the GenBank file, which holds the bases and which the service does not keep: this browser
// alone has it.
"use strict";
(() => {
  const link = document.getElementById("bases");
  const bases = sessionStorage.getItem(location.pathname);
  if (link && bases) {
    link.href = URL.createObjectURL(new Blob([bases], {type: "text/plain"}));
    link.hidden = false;
  }
  const forget = document.querySelector("form[action=forget]");
  if (forget) forget.addEventListener("submit", () => sessionStorage.removeItem(location.pathname));
})();
