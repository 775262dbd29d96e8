// Follows the system's light or dark theme. Loaded before the page is drawn, so that it never flashes.
// On phones, where the menu scrolls, it begins with the current page in sight.
"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  dark.addEventListener("change", apply);
  apply();
  document.documentElement.classList.add("has-script");
  document.addEventListener("DOMContentLoaded", () => {
    const current = document.querySelector(".site-nav [aria-current]");
    if (current) current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.offsetLeft - 40;
  });
})();
